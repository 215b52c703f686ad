// Types of policy.mjs for the build of the page, which is TypeScript.

export const CONTENT_SECURITY_POLICY: string;
export function contentSecurityPolicy(hosts?: readonly string[]): string;
export function modelHosts(): string[];
