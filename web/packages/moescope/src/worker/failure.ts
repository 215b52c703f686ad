// The end of an engine: a wasm trap, a lost device or a GPU error that nobody caught.
// After any of these the engine's memory cannot be trusted; whoever waits for it is told at once,
// also where the engine's own promise would stay pending for ever.

import { codeOf, engineLost } from '../internal/protocol.js';
import type { MoescopeError } from '../public/error.js';

export class Failure {
  /** Rejects with 'engine_lost' once the engine has failed; never resolves. */
  readonly promise: Promise<never>;
  /** What the engine itself says about a panic, once it can be asked. */
  explain: () => string | undefined = () => undefined;
  #reject: (error: MoescopeError) => void = () => undefined;
  #cause: string | undefined;

  constructor() {
    this.promise = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    this.promise.catch(() => undefined); // Nobody need be waiting.
  }

  /** What went wrong, once something has. */
  get cause(): string | undefined {
    return this.#cause;
  }

  /** Declares the engine lost; only the first cause counts. */
  raise(cause: string): void {
    if (this.#cause === undefined) {
      const said = this.#explanation();
      this.#cause = said === undefined ? cause : `${cause} (${said})`;
      this.#reject(engineLost(this.#cause));
    }
  }

  #explanation(): string | undefined {
    try {
      return this.explain() || undefined;
    } catch {
      return undefined; // A trapped module may trap again.
    }
  }
}

/** Whether a thrown value means the end of the engine: wasm code trapped, or its device gives nothing back. */
export function endsEngine(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError || codeOf(thrown) === 'device';
}

/**
 * Raises `failure` for every device made from now on that is lost or reports an error that nobody caught.
 *
 * The engine makes its device inside wasm, out of reach, so the class that makes devices is told to report them.
 */
export function watchDevices(adapterClass: { prototype: GPUAdapter } | undefined, failure: Failure): void {
  if (adapterClass === undefined) {
    return;
  }
  const { prototype } = adapterClass;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) {
    const device = await requestDevice.call(this, descriptor);
    device.addEventListener('uncapturederror', (event) => {
      failure.raise(`the GPU reported an error: ${event.error.message}`);
    });
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') {
        failure.raise(`the GPU was lost: ${message || reason}`);
      }
    });
    return device;
  };
}
