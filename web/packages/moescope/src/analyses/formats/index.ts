// Traces from and to files: finds out what a file is, and reads or writes it.

import type { RoutingTrace } from '../trace.js';
import { isAtlas, readAtlas, writeAtlas } from './atlas.js';
import { invalid, isFields } from './check.js';
import { isMoeTraceCsv, readMoeTraceCsv, writeMoeTraceCsv } from './llama.js';
import { isNpy } from './npy.js';
import { OWN_FORMAT, isEngineTrace, readCommandLine, readEngineTrace, readOwn, readRecorded, writeOwn } from './own.js';
import { isVllm, readRoutedLists, readRoutedNpy, readVllm, writeVllm } from './vllm.js';

/** What a trace can be saved as. */
export const TRACE_FORMATS = ['moescope', 'atlas', 'vllm', 'llama'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

export interface ReadOptions {
  /** Experts to a layer, where the file does not say; without it, as many as it names. */
  readonly nExperts?: number | undefined;
}

export interface TraceFile {
  readonly name: string;
  readonly type: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
}

/** Reads a trace, whatever the format; `name` is that of the file. Throws a MoescopeError with the code trace_invalid. */
export function readTrace(bytes: Uint8Array, name: string, { nExperts }: ReadOptions = {}): RoutingTrace {
  if (bytes.length === 0) throw invalid(`${name} is empty.`);
  if (isNpy(bytes)) return readRoutedNpy(bytes, nExperts);
  const text = decode(bytes, name);
  const model = name.replace(/\.[^.]*$/, '');
  if (isMoeTraceCsv(text)) return readMoeTraceCsv(text, nExperts);
  return readJson(parse(text, name), name, model, nExperts);
}

/** The trace as a file; throws where the format has no room for it. */
export function writeTrace(trace: RoutingTrace, format: TraceFormat, timestamp: string): TraceFile {
  const name = `${trace.model.replace(/[^\p{L}\p{N}.-]+/gu, '-') || 'trace'}`;
  switch (format) {
    case 'moescope': return { name: `${name}.moescope.json`, type: 'application/json', content: writeOwn(trace) };
    case 'atlas': return { name: `${name}.atlas.jsonl`, type: 'application/jsonl', content: writeAtlas(trace, timestamp) };
    case 'vllm': return { name: `${name}.npy`, type: 'application/octet-stream', content: writeVllm(trace) };
    case 'llama': return { name: `${name}.moe_trace.csv`, type: 'text/csv', content: writeMoeTraceCsv(trace) };
  }
}

function readJson(value: unknown, name: string, model: string, nExperts: number | undefined): RoutingTrace {
  if (Array.isArray(value)) {
    const first: unknown = value[0];
    if (isAtlas(first)) return readAtlas(value);
    if (Array.isArray(first)) return readRoutedLists(value, nExperts);
    if (isFields(first) && first['kind'] === 'prompt') return readRecorded(value, model);
  } else if (isFields(value)) {
    if (value['format'] === OWN_FORMAT) return readOwn(value);
    if (isAtlas(value)) return readAtlas([value]);
    if (isVllm(value)) return readVllm(value, nExperts);
    if (isEngineTrace(value)) return readEngineTrace(value, model);
    if (Array.isArray(value['tokens']) && Array.isArray(value['layers'])) return readCommandLine(value, model);
  }
  throw invalid(`${name} is JSON, but none of the traces that can be read: moescope's own, moe-routing-atlas records, vLLM's routed experts, or what "moescope trace" writes.`);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${name} is neither text nor a numpy array; traces are JSON, JSON lines, CSV with the columns layer and expert, or .npy.`);
  }
}

/** JSON, or a JSON value on each line. */
function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length < 2 || !/^\s*\{.*\}\s*$/.test(lines[0] ?? '')) throw notJson(name, error);
    return lines.map((line, at) => {
      try {
        return JSON.parse(line) as unknown;
      } catch (lineError) {
        throw notJson(`${name}, line ${at + 1},`, lineError);
      }
    });
  }
}

function notJson(where: string, error: unknown): Error {
  return invalid(`${where} is no JSON, and no CSV with the columns layer and expert: ${error instanceof Error ? error.message : String(error)}.`);
}
