// What an engine runs on: 'webgpu' is a recorded plan of our own kernels, 'webgpu-burn' the stock GPU backend of Burn, a
// large download that is there for comparison.

export const BACKENDS = ['cpu', 'webgpu', 'webgpu-burn'] as const;
