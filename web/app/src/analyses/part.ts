// The tab Analyses as one part, fetched when it is first wanted: what runs the analyses and what shows them.

import { Analyser } from 'moescope';
import type { ViewElement } from 'moescope/views';

import type { Shown } from '../page/shown.js';
import { analysesTab } from './panel.js';
import { Study } from './study.js';
import type { Surroundings } from './study.js';
import { loadExamples } from './texts.js';

export class AnalysesPart {
  readonly study: Study;

  constructor(around: Omit<Surroundings, 'analyser' | 'loadExamples'>) {
    this.study = new Study({ ...around, analyser: new Analyser(), loadExamples });
    this.study.follow();
  }

  panel(shown: Shown): ViewElement[] {
    return analysesTab({ ...shown, study: this.study });
  }
}
