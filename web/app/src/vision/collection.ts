// Several pictures of the visitor's own: which files they are, and what they are grouped by. Folders are the groups where
// there are two or more; otherwise every picture stands for itself. Reading them is the model's business.

export interface Found {
  /** With the folders that lead to it, such as `pets/cats/1.png`. */
  readonly path: string;
  readonly file: File;
}

export interface OwnPicture {
  readonly name: string;
  /** Index among the rows. */
  readonly row: number;
  readonly file: File;
}

export interface Collection {
  /** Names of folders, or of pictures. */
  readonly rows: readonly string[];
  readonly byFolder: boolean;
  readonly pictures: readonly OwnPicture[];
  /** How many files there were. */
  readonly all: number;
}

/** More files are left out. */
export const MAX_PICTURES = 200;
/** Of a folder that is dropped no more is listed. */
const MAX_LISTED = 5000;

/** Folders take turns, so that any beginning of the list is balanced. */
export function collectionOf(found: readonly Found[]): Collection {
  const files = found.filter(({ file }) => !file.name.startsWith('.')).toSorted((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
  const folders = new Map<string, Found[]>();
  for (const each of files) folders.set(folderOf(each.path), [...folders.get(folderOf(each.path)) ?? [], each]);
  const turns = [...folders.values()].flatMap((own) => own.map((each, turn) => ({ each, turn }))).toSorted((a, b) => a.turn - b.turn);
  const taken = turns.slice(0, MAX_PICTURES).map(({ each }) => each);
  const byFolder = folders.size > 1;
  const rows = byFolder ? [...folders.keys()] : taken.map(({ file }) => file.name);
  const pictures = taken.map(({ path, file }, index) => ({ name: path, file, row: byFolder ? rows.indexOf(folderOf(path)) : index }));
  return { rows, byFolder, pictures, all: files.length };
}

/** The folders below the chosen one, or that itself; nothing for a file that came alone. */
function folderOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders.slice(1).join('/') || (folders[0] ?? '');
}

export function foundIn(files: Iterable<File>): Found[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** What was dropped, folders with all that is in them. */
export async function foundBelow(entries: readonly FileSystemEntry[]): Promise<Found[]> {
  const found: Found[] = [];
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry !== undefined && found.length < MAX_LISTED; entry = waiting.shift()) {
    if (isFile(entry)) found.push({ path: entry.fullPath.replace(/^\//, ''), file: await fileOf(entry) });
    else if (isFolder(entry)) waiting.push(...await listed(entry));
  }
  return found;
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject));

/** A reader hands out a part of a folder at a time, and nothing at its end. */
async function listed(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return all;
    all.push(...part);
  }
}
