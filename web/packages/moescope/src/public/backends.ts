// The backends there are, for programs that go through them all; 'auto' is a wish, not a backend.

import type { BackendWish } from './types.js';

export const BACKENDS = ['cpu', 'webgpu'] as const satisfies readonly Exclude<BackendWish, 'auto'>[];
