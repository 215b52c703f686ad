// The button of the page: measures the speeds in this browser and shows them as they are, medians of five turns.

import { takeTurns } from './rounds.mjs';

const RUNS = 5;
const TOKENS = 48;

/** Wires the button to the functions of the page; where the weights lie stands in the page's address. */
export function measureByHand({ list, cutPrompts, setUp, load, turn }) {
  const button = document.getElementById('run');
  const state = document.getElementById('state');
  const say = (text) => { state.textContent = text; };
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const files = JSON.parse(new URLSearchParams(location.search).get('files'));
      if (files === null) throw new Error('the address does not say where the weights lie; open the one that `npm run bench -- --peers --serve` prints');
      const engines = await list();
      setUp({ files, prompts: await cutPrompts(files) });
      const results = await takeTurns(engines.map(({ id }) => id), { runs: RUNS, tokens: TOKENS, load, turn, say });
      show(engines, results);
      say('done');
    } catch (error) {
      say(String(error?.message ?? error));
    }
    button.disabled = false;
  });
}

function show(engines, results) {
  const table = document.createElement('table');
  const row = (cells, kind) => {
    const line = table.insertRow();
    for (const text of cells) line.append(Object.assign(document.createElement(kind), { textContent: text }));
  };
  const prompts = [...new Set(Object.values(results).flatMap(({ prompt }) => Object.keys(prompt ?? {})))];
  row(['engine', 'decode, tokens/s', ...prompts.map((count) => `prompt of ${count}, tokens/s`), 'first token, ms'], 'th');
  for (const { id, name, device, weights, detail } of engines) {
    const { reason, decode, prompt, firstMs } = results[id];
    const figures = reason === undefined ? [decode, ...prompts.map((count) => prompt[count]), firstMs].map((figure) => figure?.median.toFixed(1) ?? 'too slow') : [reason];
    row([`${name}, ${device}, ${weights} ${detail}`, ...figures], 'td');
  }
  document.getElementById('result').replaceChildren(table);
}
