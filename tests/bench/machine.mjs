// What a bench says of the machine it ran on, and how it reads the numbers it is given.

import os from 'node:os';

/** The machine in words and numbers, with the name of the graphics adapter. */
export function machine(browser, adapter) {
  const cpus = os.cpus();
  return {
    browser: `Chromium ${browser.version()}`,
    cpu: cpus[0]?.model.trim() ?? 'unknown CPU',
    cores: cpus.length,
    memoryGb: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    adapter,
  };
}

/** An option as a whole number; ends the process on anything else. */
export function wholeNumber(name, text, minimum) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < minimum) {
    console.error(`--${name} is ${text}; allowed: a whole number from ${minimum}`);
    process.exit(2);
  }
  return value;
}
