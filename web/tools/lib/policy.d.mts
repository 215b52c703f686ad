// Types of policy.mjs for the build of the page, which is TypeScript.

export const CONTENT_SECURITY_POLICY: string;
