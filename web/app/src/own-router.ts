// The visitor's own router of texts, or of images: its source, whether it runs, and what went wrong with it. It runs only after the visitor said so,
// in this page's own interpreter; an error stops it, and the trained strategy decides again.

import type { ExternalRouter, RouterAnswer } from 'moescope';

import type { Scope } from './engine.js';
import { messages } from './messages.js';
import { EXAMPLE_ROUTERS } from './router-examples.js';
import { bannedAt, hasOwn, withStrategy, withoutOwn } from './routing.js';
import type { Where } from './routing.js';
import { ScriptError } from './script/problem.js';
import type { RouterScript } from './script/router.js';
import { OWN } from './strategy.js';
import type { Routed, Store } from './store.js';

/** What a router decides for, once a model is open. */
export interface Decided {
  readonly opened: { readonly scope: Pick<Scope, 'routing' | 'setExternalRouter'> } | undefined;
  readonly decidedBy: (external: number | undefined) => void;
}

export interface OwnRouterParts {
  readonly engine: Decided;
  readonly store: Store;
  /** Whose routing it is part of. */
  readonly of: Routed;
  /** Sends the routing as it is set. */
  readonly send: () => Promise<void>;
  /** Another router decides now, although the routing may be the same. */
  readonly decides: () => void;
  readonly changed: () => void;
  readonly now: () => number;
}

export interface OwnShown {
  readonly source: string;
  readonly status: 'idle' | 'running' | 'failed';
  /** What stopped the router, or what is wrong with the source as it stands. */
  readonly problem: ScriptError | undefined;
  /** Whether the source is another one than what runs. */
  readonly changed: boolean;
  /** Whether it came with a link and nobody here has said yet that it may run. */
  readonly foreign: boolean;
}

interface Run {
  readonly number: number;
  readonly source: string;
  readonly script: RouterScript;
}

/** The page is drawn and hears its visitor at least this often while a router decides. */
const PAUSE_AFTER_MS = 30;

/** Fetched when somebody first writes or runs a router. */
function interpreter(): Promise<typeof import('./script/router.js')> {
  return import('./script/router.js');
}

export class OwnRouter {
  readonly #parts: OwnRouterParts;
  #runs = 0;
  #run: Run | undefined;
  #failed: { readonly source: string; readonly problem: ScriptError } | undefined;
  /** What is wrong with a source that was written here. */
  #checked: { readonly source: string; readonly problem: ScriptError | undefined } | undefined;
  /** The source that came with a link, until somebody lets it run. */
  #linked: string | undefined;

  constructor(parts: OwnRouterParts) {
    this.#parts = parts;
    this.#linked = parts.store.state.code;
  }

  get shown(): OwnShown {
    const source = this.#source();
    const [failed, checked] = [this.#failed, this.#checked].map((found) => (found?.source === source ? found.problem : undefined));
    return {
      source, foreign: this.#linked === source, problem: failed ?? checked, changed: this.#run !== undefined && this.#run.source !== source,
      status: this.#run !== undefined ? 'running' : this.#failed === undefined ? 'idle' : 'failed',
    };
  }

  /** The visitor wrote something, which is looked through and not run. */
  write(source: string): void {
    this.#parts.store.set({ code: source });
    void this.#check(source);
  }

  /** Another link of the same page brought a source of its own. */
  linked(): void {
    if (this.#run?.source !== this.#source()) this.#linked = this.#parts.store.state.code;
  }

  /** Runs the source from now on, where the routing says so already or else where changes act. */
  async run(where: Where): Promise<void> {
    const source = this.#source();
    this.#linked = undefined;
    const { routerFrom } = await interpreter();
    try {
      this.#run = { number: ++this.#runs, source, script: routerFrom(source) };
      this.#failed = undefined;
    } catch (error) {
      await this.#stop(source, error);
      return;
    }
    await this.modelOpened();
    const { store, of, now } = this.#parts;
    if (!hasOwn(store.routing(of))) store.edit(withStrategy(store.routing(of), OWN, where), 'own router', now(), of);
    else await this.#parts.send();
    this.#parts.decides();
  }

  /** Back to the trained strategy, wherever this router decided. */
  stop(): void {
    [this.#run, this.#failed] = [undefined, undefined];
    this.#parts.engine.decidedBy(undefined);
    const { store, of, now } = this.#parts;
    if (hasOwn(store.routing(of))) store.edit(withoutOwn(store.routing(of)), 'own router', now(), of);
    this.#parts.changed();
  }

  /** Tells a model that was just opened who decides. */
  async modelOpened(): Promise<void> {
    const [{ engine }, run] = [this.#parts, this.#run];
    if (run === undefined || engine.opened === undefined) return;
    await engine.opened.scope.setExternalRouter(this.#answers(run));
    if (this.#run === run) engine.decidedBy(run.number);
  }

  async #check(source: string): Promise<void> {
    const { problemOf } = await interpreter();
    if (source !== this.#source()) return;
    this.#checked = { source, problem: problemOf(source) };
    this.#parts.changed();
  }

  #source(): string {
    return this.#parts.store.state.code ?? EXAMPLE_ROUTERS.unsure;
  }

  #answers(run: Run): ExternalRouter {
    const { now } = this.#parts;
    return async ({ layer, nTokens, nExperts, logits, tokenIds }): Promise<RouterAnswer> => {
      const banned = this.#banned(layer);
      const answer = [];
      let since = now();
      try {
        for (let token = 0; token < nTokens; token += 1) {
          if (now() - since > PAUSE_AFTER_MS) {
            await new Promise((resolve) => setTimeout(resolve, 0));
            since = now();
          }
          const row = Array.from(logits.subarray(token * nExperts, (token + 1) * nExperts), (logit, expert) => (banned.has(expert) ? -Infinity : logit));
          const choices = run.script({ layer, nExperts, tokenId: tokenIds[token] ?? 0, logits: row });
          answer.push(choices.filter(({ expert }) => !banned.has(expert)));
        }
        return answer;
      } catch (error) {
        if (this.#run === run) void this.#stop(run.source, error);
        throw error instanceof ScriptError ? new Error(messages.router.problem(error)) : error;
      }
    };
  }

  /** A switch is a switch: banned experts do not act, whatever the router says. The engine may still be at the former bans. */
  #banned(layer: number): ReadonlySet<number> {
    const { engine, store, of } = this.#parts;
    const accepted = engine.opened?.scope.routing;
    const spec = accepted?.layers[String(layer)] ?? accepted?.default;
    return new Set([...bannedAt(store.routing(of), layer), ...spec?.restrict.disabled ?? []]);
  }

  async #stop(source: string, error: unknown): Promise<void> {
    if (!(error instanceof ScriptError)) throw error;
    [this.#run, this.#failed] = [undefined, { source, problem: error }];
    this.#parts.engine.decidedBy(undefined);
    this.#parts.changed();
    await this.#parts.send();
  }
}
