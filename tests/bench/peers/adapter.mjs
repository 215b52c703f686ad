// Which WebGPU adapter a measurement asks for, and whether it got it: what a software adapter does says nothing of a
// graphics card, and Chromium falls back to one without a word.

/** SwiftShader, Mesa's llvmpipe (as Vulkan: lavapipe), and the software adapter of Windows. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

/** What can be asked for. */
export const ADAPTERS = ['software', 'hardware'];

/** An adapter by name. */
export function adapterName({ vendor, architecture, description } = {}) {
  return description || [vendor, architecture].filter(Boolean).join(' ') || 'none';
}

/** Fails where a graphics card was asked for and none came. */
export function checkAdapter(wanted, info) {
  const name = adapterName(info);
  const isHardware = info !== undefined && !info.isFallbackAdapter && !SOFTWARE.test(`${name} ${info.architecture}`);
  if (wanted === 'hardware' && !isHardware) {
    throw new Error(`--adapter hardware was asked for, and Chromium's WebGPU adapter is ${name}; allowed: that of a graphics card, with its Vulkan driver on Linux`);
  }
}
