// The checkpoint in the forms that the engines read, written beside the installed peers.

import fs from 'node:fs';
import path from 'node:path';
import { root } from '../../browser/harness.mjs';
import { ggufOf } from './gguf-model.mjs';

/** Name of each form, and what makes it. */
const FORMS = {
  f32: (folder) => ggufOf(folder, 'f32'),
  q8_0: (folder) => ggufOf(folder, 'q8_0'),
  numbered: (folder) => ggufOf(folder, 'f32', 'numbers'),
};

/** Addresses of the model folder and of its other forms, on a server of the checkout. */
export function writeForms(model, folder, say) {
  const urls = { folder: `/${model}` };
  for (const [form, make] of Object.entries(FORMS)) {
    say(`${model} as GGUF: ${form}`);
    const file = path.join(folder, `${path.basename(model)}-${form}.gguf`);
    fs.writeFileSync(file, make(path.join(root, model)));
    urls[form] = `/${path.relative(root, file).split(path.sep).join('/')}`;
  }
  return urls;
}
