// Links that nobody would write, from a seed, so that a failure can be seen again: fields with what does not belong there,
// twice, without a value, cut off, or with bytes that are no text. Models stay those that are there, and nothing writes by itself:
// a text of full length would take a slow machine longer than all the rest.

const ODD = [
  '', '0', '-1', '1e309', 'NaN', '999999999999', '0x10', ' 7 ', '1,2,3', ',,,', '%', '%00', '%ff', '\ud800', '💥', '<b>', '../..', '~', '~AB.', '~\u{1F600}',
  'constructor', '__proto__', 'null', 'undefined', 'true', 'trained', 'top_p', 'hash', 'soft', 'domains', 'import', 'agreement', 'ablation', 'vision', 'lessons', 'dark', 'zh',
];
const KINDS = ['.0', '.1', '.x', '.__proto__', '.99999'];
const NAMES = [
  'prompt', 'temp', 'seed', 'max', 'theme', 'lang', 'size', 'tab', 'tint', 'side', 'scope', 'layer', 'token', 'expert', 'lesson', 'step', 'hide', 'present', 'c', 'ca', 'cb',
  's', 'k', 'rt', 'cf', 'cp', 'ban', 'force', 'off', 'top_p', 'threshold', 'a', 'a.k', 'a.ban', 'a.text', 'analysis', 'texts', 'without', 'own', 'view', 'against',
  'v.image', 'v.tint', 'v.layer', 'v.patch', 'v.map', 'v.k', 'v.s', 'v.cf', 'v.ban', 'v.a', 'v.a.image', 'v.a.k', '', 'v',
];

/** Links that say nothing at all, or what another page would understand. */
export const NONSENSE = ['%%%', 'v=9&k=x', 'x'.repeat(5000), 'v=1&auto=0&k=999&ban=0,1,2,999&layer=77&token=99999&rt=-3&size=a'];

/** A link, without its `#`. */
export function oddLink(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const parts = [];
  for (let n = 1 + Math.floor(random() * 8); n > 0; n -= 1) {
    const name = `${pick(NAMES)}${random() < 0.2 ? pick(KINDS) : ''}`;
    parts.push(`${name}${random() < 0.9 ? '=' : ''}${pick(ODD)}${random() < 0.2 ? pick(ODD) : ''}`);
  }
  const link = parts.join(random() < 0.9 ? '&' : ';');
  const rest = random() < 0.2 ? link.slice(0, Math.floor(random() * link.length)) : link;
  return `v=3&auto=0&backend=cpu&model=models/first&v.model=models/vit_moe&${rest}`;
}
