// How much memory Chromium's processes for pages and the GPU took at most, by Linux's own record of each process.
// Whole processes, so it counts what no page can see (compiled wasm, GPU buffers); a blank page's share is taken off by
// whoever compares. Undefined where there is no /proc.

import fs from 'node:fs';

const COUNTED = new Set(['renderer', 'GPU']);

/** Bytes at the highest point since the browser started, summed over its processes. */
export async function peakMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const peaks = processInfo.filter(({ type }) => COUNTED.has(type)).map(({ id }) => peakOf(`/proc/${id}/status`));
  return peaks.includes(undefined) ? undefined : peaks.reduce((sum, peak) => sum + peak, 0);
}

function peakOf(file) {
  if (!fs.existsSync(file)) return undefined;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(file, 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
