/** Names of the files in public/recorded, such as "nine/tales", listed by the build. */
declare const __RECORDED__: readonly string[];
/** The models that the build ships. */
declare const __MODELS__: readonly import('./catalogue.js').ModelCard[];

declare module '*.css';
