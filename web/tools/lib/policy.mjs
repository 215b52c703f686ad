// The content security policy of the page, in one place: the local server sends it, the build writes it into the page.

/** Everything from the page's own server, no inline code, no eval except compiling WebAssembly. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "style-src 'self'",
  "img-src 'self' data: blob:", "font-src 'self'", "connect-src 'self'", "manifest-src 'self'",
  "base-uri 'none'", "form-action 'none'",
].join('; ');
