// Decides which Rust compiles for wasm32-unknown-unknown: rustup's where its target and the source of std can be had,
// Debian's packages where they cannot. The source is for the engine with threads, whose std is made for them.
//
// `decide` is a pure function from facts to the next thing to do; `prepareWasmTarget` gathers the
// facts and does it, at most twice (try rustup, then Debian). What is already installed wins over
// what would have to be installed, so that a machine keeps its toolchain and its compiled crates.

import path from 'node:path';
import { aptInstall, aptLine, aptPrefix, missingPackages } from './apt.mjs';
import { findExecutable, findRust } from './find.mjs';
import { StepFailed } from './report.mjs';
import { CommandFailed, firstLine, run, tail } from './run.mjs';

export const WASM_TARGET = 'wasm32-unknown-unknown';

/** Debian's Rust with the source of std, its LLVM tools, and the linker that `rust-lld` points to. */
export const DEBIAN_PACKAGES = ['rustc-web', 'cargo-web', 'rust-web-src', 'rust-web-llvm', 'lld-22'];

const RUSTUP_LIMIT_MS = 5 * 60_000;
const BY_RUSTUP = `rustup target add ${WASM_TARGET} && rustup component add rust-src`;

/**
 * What to do next.
 *
 * Facts: `rustupTargets` (installed targets, undefined without rustup), `rustupSource` (whether std's source is there),
 * `debianMissing` (packages not installed), `hasApt`, `canInstall` (apt usable without a password), `addFailure` (what rustup said
 * when adding the target failed, undefined when not tried).
 */
export function decide(facts) {
  if (facts.rustupTargets?.includes(WASM_TARGET) && facts.rustupSource) return { use: 'rustup' };
  if (facts.hasApt && facts.debianMissing.length === 0) return { use: 'debian' };
  if (facts.rustupTargets && facts.addFailure === undefined) return { run: 'rustup' };
  if (facts.hasApt && facts.canInstall) return { run: 'apt', packages: facts.debianMissing };
  return { stop: facts.hasApt ? 'no_rights' : 'no_source' };
}

/** Makes a toolchain ready; returns `{ kind: 'rustup' | 'debian', version }`. */
export async function prepareWasmTarget(say, log, debianBin = '/usr/bin') {
  const facts = await gatherFacts();
  for (;;) {
    const next = decide(facts);
    if (next.use) return describeToolchain(next.use, debianBin);
    if (next.stop) throw stopped(next.stop, facts);
    if (next.run === 'rustup') {
      say('rustup target add (up to 5 minutes)');
      facts.addFailure = await addByRustup(log);
      if (facts.addFailure === undefined) Object.assign(facts, await rustupFacts());
    } else {
      await installDebian(next.packages, facts, say, log);
      facts.debianMissing = await missingPackages(DEBIAN_PACKAGES);
      if (facts.debianMissing.length > 0) throw stopped('no_source', facts);
    }
  }
}

/** Target and source; returns what rustup said when one of them could not be had. */
async function addByRustup(log) {
  for (const args of [['target', 'add', WASM_TARGET], ['component', 'add', 'rust-src']]) {
    const result = await run(findRust('rustup'), args, { log, timeoutMs: RUSTUP_LIMIT_MS });
    if (result.code !== 0) return result.timedOut ? 'no answer within 5 minutes' : tail(result.output, 3).join('\n');
  }
  return undefined;
}

async function rustupFacts() {
  const rustup = findRust('rustup');
  if (!rustup) return { rustupTargets: undefined, rustupSource: false };
  const list = async (kind) => {
    const listed = await run(rustup, [kind, 'list', '--installed'], { timeoutMs: 30_000 });
    return listed.code === 0 ? listed.stdout.split('\n').map((line) => line.trim()).filter(Boolean) : undefined;
  };
  return { rustupTargets: await list('target'), rustupSource: (await list('component'))?.includes('rust-src') ?? false };
}

async function installDebian(packages, facts, say, log) {
  try {
    await aptInstall(packages, 'Building for the browser', say, log);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new StepFailed(`Rust's ${WASM_TARGET} target could be had neither from rustup nor from Debian's packages.`, {
      details: [...rustupSaid(facts), 'apt-get said:', ...tail(error.result.output, 8)],
      remedy: `${BY_RUSTUP}\nor: ${error.byHand}`,
    });
  }
}

async function gatherFacts() {
  const prefix = await aptPrefix();
  const hasApt = findExecutable('apt-get') !== undefined;
  return {
    ...(await rustupFacts()),
    debianMissing: hasApt ? await missingPackages(DEBIAN_PACKAGES) : DEBIAN_PACKAGES,
    hasApt,
    canInstall: prefix !== undefined,
    addFailure: undefined,
  };
}

async function describeToolchain(kind, debianBin) {
  const rustc = kind === 'debian' ? path.join(debianBin, 'rustc') : findRust('rustc');
  const version = await firstLine(rustc, ['--version']);
  if (!version) throw new StepFailed(`${rustc} does not run.`, { remedy: `${rustc} --version` });
  return { kind, version };
}

function stopped(reason, facts) {
  const failure = rustupSaid(facts);
  if (reason === 'no_rights') {
    return new StepFailed(`Rust's ${WASM_TARGET} target is missing, and this account may not install packages.`, {
      details: failure,
      remedy: `${aptLine(facts.debianMissing, false)}\nor, where rustup can download: ${BY_RUSTUP}`,
    });
  }
  return new StepFailed(`Rust's ${WASM_TARGET} target is missing and could not be installed.`, { details: failure, remedy: BY_RUSTUP });
}

function rustupSaid({ addFailure }) {
  return addFailure === undefined ? [] : ['rustup said:', ...addFailure.split('\n')];
}
