// Types of host-headers.mjs for the build of the page, which is TypeScript.

export interface Hosting {
  readonly isolated?: boolean;
}

export const HASHED: string;
export function hostHeaders(name: string, options?: Hosting): Record<string, string>;
export function headersFile(options?: Hosting): string;
