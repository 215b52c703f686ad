// Debian packages: what is installed, and installing what is missing.
//
// Works as root or through a sudo that asks for no password. Otherwise it says the exact line to
// type instead of asking for a password in the middle of a build.

import { findExecutable } from './find.mjs';
import { StepFailed } from './report.mjs';
import { must, run } from './run.mjs';

/** The line a person types to install packages. */
export function aptLine(packages, isRoot = process.getuid?.() === 0) {
  return `${isRoot ? '' : 'sudo '}apt-get install --no-install-recommends -y ${packages.join(' ')}`;
}

/** Those of the packages that are not installed; all of them where there is no dpkg. */
export async function missingPackages(packages) {
  if (!findExecutable('dpkg-query')) return packages;
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages], { timeoutMs: 30_000 });
  const installed = new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]));
  return packages.filter((name) => !installed.has(name));
}

/** How apt-get can be called here: `[]` as root, `['sudo', '-n']`, or undefined when it cannot. */
export async function aptPrefix() {
  if (!findExecutable('apt-get')) return undefined;
  if (process.getuid?.() === 0) return [];
  const sudo = findExecutable('sudo');
  if (sudo && (await run(sudo, ['-n', 'true'], { timeoutMs: 10_000 })).code === 0) return [sudo, '-n'];
  return undefined;
}

/** Installs packages, or throws with the line to type. */
export async function aptInstall(packages, purpose, say, log) {
  const prefix = await aptPrefix();
  if (!prefix) {
    const why = findExecutable('apt-get') ? 'this account may not install packages' : 'there is no apt-get on this system';
    throw new StepFailed(`${purpose} needs ${packages.join(', ')}, and ${why}.`, { remedy: aptLine(packages, false) });
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const call = (args) => [...prefix, ...(prefix.length > 0 ? ['env', 'DEBIAN_FRONTEND=noninteractive'] : []), 'apt-get', ...args];
  const [command, ...args] = call(['install', '--no-install-recommends', '-y', ...packages]);
  const options = { env, log, timeoutMs: 30 * 60_000 };
  say(`apt-get install ${packages.join(' ')}`);
  if ((await run(command, args, options)).code === 0) return;

  // Bare machines have no package lists, old ones have stale lists: fetch them and try once more.
  say('apt-get update');
  const [update, ...updateArgs] = call(['update']);
  await run(update, updateArgs, options);
  say(`apt-get install ${packages.join(' ')}`);
  try {
    await must(command, args, options);
  } catch (error) {
    error.byHand = `${prefix.length > 0 ? 'sudo ' : ''}apt-get update && ${aptLine(packages)}`;
    throw error;
  }
}
