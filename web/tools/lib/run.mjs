// Runs one child process: captures its output, writes it to a log, ends it when it takes too long.
//
// Children get their own process group, so that ending one also ends what it started (cargo's
// compilers, Chromium's helpers). Ctrl-C here ends every group that is still alive.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

const KEEP_CHARACTERS = 4_000_000;
const live = new Set();

/** A command that ended badly, with the last lines of what it said. */
export class CommandFailed extends Error {
  constructor(commandLine, result) {
    super(`\`${commandLine}\` ${describeEnd(result)}`);
    this.name = 'CommandFailed';
    this.code = 'command_failed';
    this.commandLine = commandLine;
    this.result = result;
  }
}

/**
 * Runs a command to its end and reports how it went; it does not throw when the command fails.
 *
 * `onOutput(text, stream)` sees the output as it comes. `log` is a file that receives all of it.
 */
export function run(command, args = [], options = {}) {
  const { cwd = root, env = process.env, log, timeoutMs, onOutput } = options;
  const captured = { stdout: '', stderr: '', output: '' };
  const logFile = log ? openLog(log, command, args) : undefined;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    live.add(child);
    let timedOut = false;
    const timer = timeoutMs && setTimeout(() => { timedOut = true; endGroup(child); }, timeoutMs);
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text) => {
        captured[stream] = keepEnd(captured[stream] + text);
        captured.output = keepEnd(captured.output + text);
        logFile?.write(text);
        onOutput?.(text, stream);
      });
    }
    const finish = (code, signal, spawnError) => {
      clearTimeout(timer);
      live.delete(child);
      const result = { ...captured, code, signal, timedOut, timeoutMs, spawnError };
      if (logFile) logFile.end(() => resolve(result));
      else resolve(result);
    };
    child.on('error', (error) => finish(127, null, error.message));
    child.on('close', (code, signal) => finish(code ?? 1, signal));
  });
}

/** Like `run`, but a command that fails throws `CommandFailed`. */
export async function must(command, args = [], options = {}) {
  const result = await run(command, args, options);
  if (result.code !== 0) throw new CommandFailed([command, ...args].join(' '), result);
  return result;
}

/** First line of a command's output, or undefined when it cannot be run. Used to ask for versions. */
export async function firstLine(command, args, options = {}) {
  const result = await run(command, args, { timeoutMs: 30_000, ...options });
  return result.code === 0 ? result.stdout.split('\n')[0].trim() : undefined;
}

/** The last lines worth reading: progress bars and blank lines dropped. */
export function tail(text, lines = 15) {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s*(Building|Downloading|Updating|Fetch) \[[=> ]*\]/.test(line))
    .slice(-lines);
}

function describeEnd(result) {
  if (result.spawnError) return `could not be started (${result.spawnError})`;
  if (result.timedOut) return `was ended after ${Math.round(result.timeoutMs / 1000)} s without finishing`;
  if (result.signal) return `was ended by ${result.signal}`;
  return `failed with exit code ${result.code}`;
}

function openLog(file, command, args) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const stream = fs.createWriteStream(file, { flags: 'a' });
  stream.write(`$ ${[command, ...args].join(' ')}\n`);
  return stream;
}

function keepEnd(text) {
  return text.length > 2 * KEEP_CHARACTERS ? text.slice(-KEEP_CHARACTERS) : text;
}

function endGroup(child) {
  signalGroup(child, 'SIGTERM');
  setTimeout(() => signalGroup(child, 'SIGKILL'), 5_000).unref();
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Ends every child that still runs. */
export function endAll() {
  for (const child of live) signalGroup(child, 'SIGTERM');
}

for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.on(signal, () => {
    endAll();
    process.exit(128 + number);
  });
}
