// What the build, the page and the service worker say to each other.

/** Written into the service worker by the build. All names are relative to the page's folder. */
export interface Manifest {
  /** Kept from the first visit on: scripts, styles, and the analyses, which need no model. */
  readonly shell: readonly string[];
  /** Every file of the build with a hash in its name. */
  readonly hashed: readonly string[];
  /** Wasm files by engine; the one that ran is kept. */
  readonly engines: Readonly<Record<Engine, readonly string[]>>;
  /** Files of each model folder besides its weights; kept once the model was opened. */
  readonly models: Readonly<Record<string, readonly string[]>>;
}

/** A backend, or the CPU's with threads. */
export type Engine = 'cpu' | 'threads' | 'webgpu' | 'webgpu-burn';

/** What a visit has used before the service worker could see it, as absolute addresses. */
export interface Used {
  readonly files: readonly string[];
  readonly engine?: Engine;
  /** With a slash at its end. */
  readonly model?: string;
}
