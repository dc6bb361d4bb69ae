// `g` and then a letter goes to a page; other letters of that page wait for their turn.
const WITHIN_MS = 1_500;
let at = 0;

export const pressedG = () => void (at = Date.now());

/** True for the key after `g`; the same for everybody who hears that key. */
export function afterG(): boolean {
  const is = Date.now() - at < WITHIN_MS;
  // after all that hear this key
  if (is) setTimeout(() => (at = 0));
  return is;
}
