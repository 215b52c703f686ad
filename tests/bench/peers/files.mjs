// The checkpoint in the forms that the engines read, written beside the installed peers.

import fs from 'node:fs';
import path from 'node:path';
import { root } from '../../browser/harness.mjs';
import { ggufOf } from './gguf-model.mjs';
import { onnxOf } from './onnx-model.mjs';

/** Name and ending of each form, and what makes it; `numbered` names its tokens by their numbers. */
const FORMS = {
  f32: ['gguf', (folder) => ggufOf(folder, 'f32')],
  q8_0: ['gguf', (folder) => ggufOf(folder, 'q8_0')],
  numbered: ['gguf', (folder) => ggufOf(folder, 'f32', 'numbers')],
  onnx: ['onnx', onnxOf],
};

/** Addresses of the model folder and of its other forms, on a server of the checkout. */
export function writeForms(model, folder, say) {
  const urls = { folder: `/${model}` };
  for (const [form, [ending, make]] of Object.entries(FORMS)) {
    say(`${model} for the others: ${form}`);
    const file = path.join(folder, `${path.basename(model)}-${form}.${ending}`);
    fs.writeFileSync(file, make(path.join(root, model)));
    urls[form] = `/${path.relative(root, file).split(path.sep).join('/')}`;
  }
  return urls;
}
