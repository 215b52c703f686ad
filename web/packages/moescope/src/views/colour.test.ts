// Distinctness and contrast are computed, not looked at: distances in OKLab under simulated colour blindness
// (matrices of Machado, Oliveira and Fernandes 2009, severity 1) and WCAG contrast of ink on the strongest tints.
import { describe, expect, it } from 'vitest';

import {
  FIXED_EXPERTS, INK, PAPER, PATTERNS, TINT, contrast, expertColour, expertPattern, expertRules, mix, rgb, tintCss, tintShare,
} from './colour.js';
import type { Rgb, Theme } from './colour.js';

const THEMES: readonly Theme[] = ['light', 'dark'];

const VISIONS: Readonly<Record<string, readonly Rgb[]>> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function seen(colour: Rgb, matrix: readonly Rgb[]): number[] {
  return matrix.map((row) => Math.min(1, Math.max(0, row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2])));
}

function oklabOf([r = 0, g = 0, b = 0]: readonly number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function smallestDistance(nExperts: number, theme: Theme, matrix: readonly Rgb[]): number {
  const colours = Array.from({ length: nExperts }, (_, e) => oklabOf(seen(rgb(expertColour(e, theme)), matrix)));
  let smallest = Infinity;
  for (const [i, a] of colours.entries()) {
    for (const b of colours.slice(i + 1)) {
      smallest = Math.min(smallest, Math.hypot(...a.map((v, axis) => v - (b[axis] ?? 0))));
    }
  }
  return smallest;
}

describe.each(THEMES)('expert colours, %s', (theme) => {
  it.each(Object.entries(VISIONS))('are told apart with %s vision', (_, matrix) => {
    expect(smallestDistance(8, theme, matrix)).toBeGreaterThan(0.08);
    expect(smallestDistance(FIXED_EXPERTS, theme, matrix)).toBeGreaterThan(0.05);
  });

  it('stand out from the page for up to 128 experts', () => {
    for (let e = 0; e < 128; e += 1) {
      expect(contrast(rgb(expertColour(e, theme)), rgb(PAPER[theme])), `expert ${e}`).toBeGreaterThan(3);
    }
  });

  it('leave ink readable on the strongest tint', () => {
    for (let e = 0; e < 128; e += 1) {
      const tint = mix(expertColour(e, theme), PAPER[theme], tintShare(1));
      expect(contrast(tint, rgb(INK[theme])), `expert ${e}`).toBeGreaterThan(4.5);
    }
  });

  it('give neighbours by number a different pattern and never the very same colour', () => {
    const names = new Set<string>();
    for (let e = 0; e < 128; e += 1) {
      names.add(expertColour(e, theme).map((v) => v.toFixed(3)).join(' '));
      expect(expertPattern(e)).not.toBe(expertPattern(e + 1));
    }
    expect(names.size).toBe(128);
    expect(PATTERNS).toHaveLength(4);
  });
});

it('a tint goes from nearly the page to a good share of the colour, and no further', () => {
  const lightness = (tint: string): number => Number(/oklab\(([\d.]+)/.exec(tint)?.[1]);
  const between = ([low, high]: readonly [number, number], share: number): number => low + (high - low) * share;
  const [paper, own] = [PAPER.light[0], expertColour(3, 'light')[0]];
  expect(lightness(tintCss(3, 0))).toBeCloseTo(between([paper, own], TINT[0]), 3);
  expect(lightness(tintCss(3, 1))).toBeCloseTo(between([paper, own], TINT[1]), 3);
  expect(tintCss(3, 7)).toBe(tintCss(3, 1));
});

it('rules name every expert in both themes', () => {
  const rules = expertRules(9);
  expect(rules.match(/--e\d+:light-dark\(oklch\([^)]*\), oklch\([^)]*\)\)/g)).toHaveLength(9);
  expect(rules.match(/\.e\d+\{color:light-dark\(oklch\([^)]*\), oklch\([^)]*\)\)\}/g)).toHaveLength(9);
});
