// One call into the engine at a time, in order; changes of routing go before other work.
// Between two jobs the worker takes a turn of its event loop, so that messages that came in meanwhile
// (a new routing, a cancel) are heard before the next job begins.

export interface Job {
  readonly id: number;
  /** Must not throw. */
  readonly run: () => Promise<void>;
}

export class EngineQueue {
  #urgent: Job[] = [];
  #ordinary: Job[] = [];
  #running = false;
  #closed = false;

  add(job: Job, urgent: boolean): void {
    (urgent ? this.#urgent : this.#ordinary).push(job);
    void this.#pump();
  }

  /** Drops a job that has not begun. */
  cancel(id: number): void {
    this.#urgent = this.#urgent.filter((job) => job.id !== id);
    this.#ordinary = this.#ordinary.filter((job) => job.id !== id);
  }

  /** Begins no further job. */
  close(): void {
    this.#closed = true;
  }

  async #pump(): Promise<void> {
    if (this.#running) {
      return;
    }
    this.#running = true;
    for (let job = this.#shift(); job !== undefined; job = this.#shift()) {
      await job.run();
      await turn();
    }
    this.#running = false;
  }

  #shift(): Job | undefined {
    return this.#closed ? undefined : (this.#urgent.shift() ?? this.#ordinary.shift());
  }
}

/** A turn of the event loop, by a message: timers are clamped to milliseconds. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
