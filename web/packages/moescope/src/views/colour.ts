// Colours of experts: one per expert, the same in every view, in a light and a dark variant.
// Up to 12 experts a fixed set, chosen by search for the largest smallest distance in OKLab under normal
// vision and simulated protanopia, deuteranopia and tritanopia; beyond, hues by golden angle at three
// lightness tiers. Colour is never the only channel: every view shows the expert's number or pattern too.
// OKLab and OKLCH follow Ottosson 2020, contrast follows WCAG 2.2.

/** Lightness 0..1, chroma, hue in degrees. */
export type Oklch = readonly [lightness: number, chroma: number, hue: number];
export type Rgb = readonly [red: number, green: number, blue: number];
export type Theme = 'light' | 'dark';

export const FIXED_EXPERTS = 12;

/** What stands behind the views. */
export const PAPER: Readonly<Record<Theme, Oklch>> = { light: [0.987, 0.003, 90], dark: [0.195, 0.008, 265] };
export const INK: Readonly<Record<Theme, Oklch>> = { light: [0.24, 0.012, 265], dark: [0.945, 0.004, 90] };

/** Share of the expert's colour in a token's tint, at weight 0 and at weight 1. */
export const TINT: readonly [number, number] = [0.08, 0.46];

const LIGHT: readonly Oklch[] = [
  [0.567, 0.11, 264], [0.38, 0.155, 30], [0.642, 0.135, 102], [0.38, 0.15, 324],
  [0.53, 0.15, 354], [0.492, 0.1, 90], [0.642, 0.12, 174], [0.417, 0.19, 264],
  [0.642, 0.19, 294], [0.605, 0.11, 36], [0.455, 0.11, 12], [0.492, 0.11, 294],
];

const DARK: readonly Oklch[] = [
  [0.766, 0.11, 264], [0.56, 0.19, 30], [0.849, 0.15, 102], [0.56, 0.15, 324],
  [0.725, 0.15, 354], [0.684, 0.11, 90], [0.849, 0.15, 174], [0.601, 0.19, 264],
  [0.849, 0.08, 294], [0.807, 0.11, 36], [0.642, 0.11, 12], [0.684, 0.11, 294],
];

const GOLDEN_ANGLE = 137.50776405003785;
const TIERS: Readonly<Record<Theme, readonly [number, number, number]>> = {
  light: [0.58, 0.4, 0.49],
  dark: [0.74, 0.56, 0.86],
};

/** Filled as experts are asked for: to find what a screen can show takes a while. */
const known: Readonly<Record<Theme, Oklch[]>> = { light: [...LIGHT], dark: [...DARK] };

/** The colour of expert `expert`. */
export function expertColour(expert: number, theme: Theme): Oklch {
  return (known[theme][expert] ??= intoGamut([TIERS[theme][expert % 3] ?? 0.6, 0.15, (expert * GOLDEN_ANGLE) % 360]));
}

/** Lowers chroma until sRGB can show the colour. */
export function intoGamut([lightness, chroma, hue]: Oklch): Oklch {
  for (let c = chroma; c > 0; c -= 0.005) {
    if (linearRgb(oklab([lightness, c, hue])).every((v) => v > -0.0005 && v < 1.0005)) return [lightness, c, hue];
  }
  return [lightness, 0, hue];
}

export function css([lightness, chroma, hue]: Oklch): string {
  return `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${hue.toFixed(1)})`;
}

/** Rules that define `--e0`, `--e1`, ... on `:root` and the classes `e0`, `e1`, ... with that colour, for both themes. */
export function expertRules(nExperts: number): string {
  const colours = Array.from({ length: nExperts }, (_, e) => bothThemes((theme) => css(expertColour(e, theme))));
  return `:root{${colours.map((colour, e) => `--e${e}:${colour}`).join(';')}}${colours.map((colour, e) => `.e${e}{color:${colour}}`).join('')}`;
}

/** For style sheets: what holds in either theme. */
export function bothThemes(colour: (theme: Theme) => string): string {
  return `light-dark(${colour('light')}, ${colour('dark')})`;
}

/** How a view names the colour of an expert: through the variable, so that a theme needs no new rendering. */
export function expertVar(expert: number): string {
  return `var(--e${expert})`;
}

/** The class that gives an element the colour: for what is drawn by the hundred, because a browser looks every variable up anew. */
export function expertClass(expert: number): string {
  return `e${expert}`;
}

/** The second cue, repeating every four experts. */
export const PATTERNS = ['solid', 'dashed', 'dotted', 'double'] as const;
export type Pattern = (typeof PATTERNS)[number];

export function expertPattern(expert: number): Pattern {
  return PATTERNS[expert % PATTERNS.length] ?? 'solid';
}

/** Share of an expert's colour in the tint of a token to which it contributes `weight`. */
export function tintShare(weight: number): number {
  const [low, high] = TINT;
  return low + (high - low) * Math.min(1, Math.max(0, weight));
}

/** The tint of a token on the page. */
export function tintCss(expert: number, weight: number): string {
  return bothThemes((theme) => `oklab(${mixed(expertColour(expert, theme), PAPER[theme], tintShare(weight)).map((v) => v.toFixed(4)).join(' ')})`);
}

/** What CSS calls color-mix(in oklab, a share, b). */
export function mix(a: Oklch, b: Oklch, share: number): Rgb {
  return linearRgb(mixed(a, b, share));
}

function mixed(a: Oklch, b: Oklch, share: number): number[] {
  const [x, y] = [oklab(a), oklab(b)];
  return [0, 1, 2].map((i) => (x[i] ?? 0) * share + (y[i] ?? 0) * (1 - share));
}

/** WCAG contrast of two linear RGB colours, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

/** Linear RGB of a colour, clipped to the gamut. */
export function rgb(colour: Oklch): Rgb {
  return linearRgb(oklab(colour));
}

function luminance([red, green, blue]: Rgb): number {
  const clip = (v: number): number => Math.min(1, Math.max(0, v));
  return 0.2126 * clip(red) + 0.7152 * clip(green) + 0.0722 * clip(blue);
}

function oklab([lightness, chroma, hue]: Oklch): number[] {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

function linearRgb(lab: readonly number[]): Rgb {
  const [lightness = 0, a = 0, b = 0] = lab;
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}
