// Runs a lesson: gathers what the engine has measured, has the control read where a lesson wants one, and asks for the finding.

import type { Analysis } from 'moescope';

import type { Comparer } from './comparer.js';
import type { Engine, Scope } from './engine.js';
import type { Gauge } from './gauge.js';
import { lessonOf } from './lessons.js';
import type { Evidence, Finding, PictureEvidence } from './lessons.js';
import { applyEdits } from './routing.js';
import { sampleLosses } from './sampler.js';
import type { Sampler } from './sampler.js';
import type { State } from './state.js';

export interface TutorParts {
  readonly engine: Engine;
  readonly gauge: Gauge;
  readonly sampler: Sampler;
  /** Reads the text under the lesson's control. */
  readonly control: Comparer<Scope, string, Analysis>;
}

export class Tutor {
  /** What came true, once it is known. */
  finding: Finding | undefined;
  readonly #parts: TutorParts;
  readonly #sampleLosses = new Map<string, number>();

  constructor(parts: TutorParts) {
    this.#parts = parts;
  }

  /** Looks at what is known now; `text` is what is shown, complete. */
  look(state: State, layer: number, text: string): void {
    const { engine, gauge, sampler, control } = this.#parts;
    const lesson = lessonOf(state.lesson);
    const { opened } = engine;
    const sample = opened && sampleLosses(sampler.state.readings);
    if (opened !== undefined && sample !== undefined && sampler.state.left === 0) this.#sampleLosses.set(opened.model, sample.trained.loss);
    this.finding = undefined;
    if (lesson?.find === undefined || opened === undefined || gauge.analyses === undefined || gauge.data.note !== undefined) return;
    const known: Omit<Evidence, 'control' | 'now' | 'sampleLosses'> = {
      state, layer, folder: opened.model, model: opened.info, routing: applyEdits(opened.info, state.routing), trained: gauge.analyses.trained,
    };
    const routing = lesson.control?.(known);
    control.measure(routing === undefined ? undefined : { scope: opened.scope, input: text, routing });
    this.finding = lesson.find({ ...known, now: gauge.analyses.now, control: control.reading, sampleLosses: this.#sampleLosses });
  }

  /** Looks at a lesson about pictures; what was seen is of the routing as it is set. */
  lookAtPicture(lesson: string | undefined, evidence: PictureEvidence | undefined): void {
    this.finding = evidence && lessonOf(lesson)?.findInPicture?.(evidence);
  }
}
