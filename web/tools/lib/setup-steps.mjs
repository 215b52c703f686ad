// What must be there before anything is built: Rust, the wasm target, wasm-bindgen, npm packages,
// and for tests a browser. Each step looks first and installs only what is missing.
//
// Steps fill in `tools`, which later steps read: `toolchain`, `bindgen`, `chromium`.

import fs from 'node:fs';
import path from 'node:path';
import { aptInstall } from './apt.mjs';
import { mustCargo } from './cargo.mjs';
import { cargoBin, findChromium, findExecutable, findRust } from './find.mjs';
import { cacheDir, logDir, root } from './paths.mjs';
import { StepFailed } from './report.mjs';
import { firstLine, must, run } from './run.mjs';
import { hashInputs, Stamp } from './stamp.mjs';
import { atLeast, minimumRust, wasmBindgenVersion } from './versions.mjs';
import { prepareWasmTarget } from './wasm-target.mjs';

const setupLog = path.join(logDir, 'setup.log');
const RUSTUP_BY_HAND = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";

/** Rust itself and a C linker for it. */
export async function checkRust(say) {
  const cargo = findRust('cargo');
  const rustc = findRust('rustc');
  if (!cargo || !rustc) {
    throw new StepFailed(`Rust is missing: no cargo on PATH or in ${cargoBin()}.`, { remedy: RUSTUP_BY_HAND });
  }
  const line = await firstLine(rustc, ['--version']);
  const version = /^rustc (\d+\.\d+\.\d+)/.exec(line ?? '')?.[1];
  if (!version) throw new StepFailed(`${rustc} does not tell its version.`, { remedy: 'rustup default stable' });
  if (!atLeast(version, minimumRust())) {
    throw new StepFailed(`Rust ${version} is too old: ${minimumRust()} or newer is needed.`, { remedy: 'rustup update stable' });
  }
  if (!findExecutable('cc')) await aptInstall(['gcc', 'libc6-dev'], 'Linking Rust programs', say, setupLog);
  return `rustc ${version}`;
}

/** rustfmt and clippy, which a minimal rustup leaves out. */
export async function checkLinters(say) {
  const missing = [];
  for (const [component, args] of [['rustfmt', ['fmt', '--version']], ['clippy', ['clippy', '--version']]]) {
    if ((await run(findRust('cargo'), args, { timeoutMs: 30_000 })).code !== 0) missing.push(component);
  }
  if (missing.length === 0) return 'rustfmt, clippy';
  const rustup = findRust('rustup');
  if (!rustup) throw new StepFailed(`${missing.join(' and ')} missing, and there is no rustup to add them.`, { remedy: RUSTUP_BY_HAND });
  say(`rustup component add ${missing.join(' ')}`);
  await must(rustup, ['component', 'add', ...missing], { log: setupLog, timeoutMs: 5 * 60_000 });
  return `added ${missing.join(', ')}`;
}

/** A compiler for wasm32-unknown-unknown. */
export async function checkWasmTarget(tools, say) {
  tools.toolchain = await prepareWasmTarget(say, setupLog);
  return `${tools.toolchain.version} (${tools.toolchain.kind})`;
}

/** The wasm-bindgen program, in exactly the version of the library. */
export async function checkBindgen(tools, say) {
  const version = wasmBindgenVersion();
  const own = path.join(cacheDir(), 'tools', `wasm-bindgen-${version}`);
  const candidates = [findExecutable('wasm-bindgen', [path.join(own, 'bin')]), findRust('wasm-bindgen'), findExecutable('wasm-bindgen')];
  for (const file of candidates) {
    if (file && (await firstLine(file, ['--version'])) === `wasm-bindgen ${version}`) {
      tools.bindgen = file;
      return version;
    }
  }
  // Not `--locked`: a version that its lock file names is gone from the registry.
  try {
    await mustCargo(['install', 'wasm-bindgen-cli', '--version', version, '--root', own], say, { log: setupLog });
  } catch (error) {
    error.byHand = `cargo install wasm-bindgen-cli --version ${version}`;
    throw error;
  }
  tools.bindgen = path.join(own, 'bin/wasm-bindgen');
  return `installed ${version}`;
}

/** npm packages of every workspace, as the lock file says. */
export async function checkNpm(say) {
  checkNode(process.versions.node);
  const workspaces = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).workspaces;
  const manifests = ['.', ...workspaces].map((folder) => path.join(root, folder, 'package.json')).filter((file) => fs.existsSync(file));
  const lock = path.join(root, 'package-lock.json');
  const key = () => hashInputs({ files: [lock, ...manifests].filter((file) => fs.existsSync(file)), values: { node: process.versions.modules } });
  const modules = path.join(root, 'node_modules');
  const stamp = new Stamp('.moescope-stamp', modules);
  if (stamp.isFresh(key())) return 'up to date';
  stamp.clear();
  // The log level is named because `npm --silent` would pass its silence on, failures included.
  const args = [fs.existsSync(lock) ? 'ci' : 'install', '--no-audit', '--no-fund', '--loglevel=warn'];
  say(`npm ${args[0]}`);
  try {
    await must('npm', args, { log: setupLog, timeoutMs: 20 * 60_000 });
  } catch (error) {
    // Also the way out when a package.json was edited and the lock file is behind it.
    error.byHand = 'npm install';
    throw error;
  }
  stamp.write(key());
  return 'installed';
}

function checkNode(version) {
  const { engines } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const minimum = engines.node.replace('>=', '');
  if (atLeast(version, minimum)) return;
  throw new StepFailed(`Node.js ${version} is too old: ${minimum} or newer is needed.`, { remedy: 'see https://nodejs.org/en/download' });
}

/** A Chromium for the browser tests. */
export async function checkChromium(tools, say) {
  let found = await findChromium();
  if (found && !found.version) {
    throw new StepFailed(`CHROMIUM is ${found.file}, which does not run.`, { remedy: 'unset CHROMIUM' });
  }
  if (!found) {
    await aptInstall(['chromium'], 'Testing in a browser', say, setupLog);
    found = await findChromium();
    if (!found) throw new StepFailed('chromium was installed but does not run.', { remedy: 'chromium --version' });
  }
  tools.chromium = found.file;
  return found.version;
}

/** A driver for the tests of the shaders: a GPU in software, where the machine has no Vulkan driver. */
export async function checkVulkan(say) {
  if (process.platform !== 'linux') return 'the system brings its own';
  const found = findVulkanDrivers();
  if (found.length > 0) return found.join(', ');
  await aptInstall(['libvulkan1', 'mesa-vulkan-drivers'], 'Testing shaders', say, setupLog);
  return findVulkanDrivers().join(', ');
}

/** Names of the Vulkan drivers that the loader would find. */
function findVulkanDrivers() {
  const folders = ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
  const files = folders.filter((folder) => fs.existsSync(folder)).flatMap((folder) => fs.readdirSync(folder));
  return files.filter((file) => file.endsWith('.json')).map((file) => file.split(/[._]/)[0]);
}

/** What is needed to build the page, as steps to run in order. */
export function buildSetup(tools) {
  return [
    { title: 'Rust', run: (say) => checkRust(say) },
    { title: 'Rust for the browser', run: (say) => checkWasmTarget(tools, say) },
    { title: 'wasm-bindgen', run: (say) => checkBindgen(tools, say) },
    { title: 'npm packages', run: (say) => checkNpm(say) },
  ];
}
