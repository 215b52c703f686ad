/** Names of the files in public/recorded, such as "nine/tales", listed by the build. */
declare const __RECORDED__: readonly string[];
/** The models that the build ships. */
declare const __MODELS__: readonly import('./catalogue.js').ModelCard[];
/** Hosts besides the page's own that the build lets it take models from, as its policy writes them. */
declare const __MODEL_HOSTS__: readonly string[];

declare module '*.css';

interface ImportMeta {
  /** Told by the build; the development server has no service worker. */
  readonly env: { readonly PROD: boolean };
}
