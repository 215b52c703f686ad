/** Ids of the files in public/recorded, listed by the build. */
declare const __RECORDED__: readonly string[];

declare module '*.css';
