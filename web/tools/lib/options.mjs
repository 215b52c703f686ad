// Reads `--name value` options of a script and says what is allowed when one is wrong.

import path from 'node:path';

/** Parses options; `allowed` maps names to `port`, `path`, `list`, `url`, `hosts`, `text` or `flag`. Ends the process on a mistake. */
export function parseOptions(args, allowed) {
  try {
    return readOptions(args, allowed);
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

/** The same, throwing on a mistake. */
export function readOptions(args, allowed) {
  const options = {};
  for (let i = 0; i < args.length; i += 1) {
    const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/.exec(args[i]) ?? [];
    const kind = name === undefined ? undefined : allowed[name];
    if (!kind) {
      const names = Object.keys(allowed).map((key) => `--${key}`).join(', ') || 'no options';
      throw new Error(`unknown option ${args[i]}; allowed: ${names}`);
    }
    if (kind === 'flag') {
      if (inline !== undefined) throw new Error(`--${name} takes no value, got ${inline}`);
      options[name] = true;
      continue;
    }
    const value = inline ?? args[(i += 1)];
    if (value === undefined) throw new Error(`--${name} needs a value`);
    options[name] = convert(name, kind, value);
  }
  return options;
}

function convert(name, kind, value) {
  if (kind === 'port') {
    const port = Number(value);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`--${name}: got ${value}, allowed is a port from 1 to 65535`);
    return port;
  }
  if (kind === 'url') {
    if (!/^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) throw new Error(`--${name}: got ${value}, allowed is an address such as https://host.example/moescope/`);
    return value;
  }
  if (kind === 'list') return listOf(value);
  if (kind === 'hosts') return listOf(value).map((host) => checkedHost(name, host));
  return kind === 'path' ? path.resolve(process.env.INIT_CWD ?? process.cwd(), value) : value;
}

function listOf(value) {
  return value.split(',').map((item) => item.trim()).filter(Boolean);
}

/** A host as a content security policy writes it; anything else could say more in the policy than is meant. */
function checkedHost(name, host) {
  if (!/^https?:\/\/(\*\.)?[\w.-]+(:\d+)?$/.test(host)) throw new Error(`--${name}: got ${host}, allowed are hosts such as https://models.example or https://*.models.example`);
  return host;
}
