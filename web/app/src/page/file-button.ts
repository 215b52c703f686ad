// A file field that looks like a button.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

interface Wanted {
  readonly accept?: string;
  readonly multiple?: boolean;
  /** A whole folder in place of files. */
  readonly folder?: boolean;
}

export function fileButton(name: string, { accept, multiple = false, folder = false }: Wanted, take: (files: File[]) => void): ViewElement {
  const change = ({ target }: Event): void => {
    if (!(target instanceof HTMLInputElement)) return;
    const files = [...target.files ?? []];
    target.value = ''; // The same file may be chosen again.
    if (files.length > 0) take(files);
  };
  return h('label.pill.file', { key: name }, name, h('input', { on: { change }, attrs: { type: 'file', accept, multiple, webkitdirectory: folder } }));
}
