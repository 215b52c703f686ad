// The content security policy of the page, in one place: the local server sends it, the build writes it into the page.

/** Hosts besides its own that a page is built to take models from, as a policy writes them. */
export function modelHosts(env = process.env) {
  return (env.MOESCOPE_MODEL_HOSTS ?? '').split(',').filter(Boolean);
}

/** Everything from the page's own server, no inline code, no eval except compiling WebAssembly; data from `hosts`, too. */
export function contentSecurityPolicy(hosts = modelHosts()) {
  return [
    "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "style-src 'self'",
    "img-src 'self' data: blob:", "font-src 'self'", ["connect-src 'self'", ...hosts].join(' '), "manifest-src 'self'",
    "base-uri 'none'", "form-action 'none'",
  ].join('; ');
}

/** Of a page that asks nobody else. */
export const CONTENT_SECURITY_POLICY = contentSecurityPolicy([]);
