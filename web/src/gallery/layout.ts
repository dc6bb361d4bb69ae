// The geometry of the justified grid, without a browser: rows of whole pictures at their true aspect, as wide as the page.
// A day that is not read yet is laid out with pictures of 4:3, so that the scroll bar hardly moves when they come.

export type Box = { left: number; width: number };
export type Row = { top: number; height: number; first: number; boxes: Box[] };
export type Section = { key: string; top: number; height: number; rows: Row[]; count: number };

export type Measure = { width: number; rowHeight: number; gap: number; head: number; below: number };

const GUESSED_ASPECT = 4 / 3;

/** Rows of one day. `aspects` may be shorter than `count`: the rest is guessed. */
export function layRows(aspects: readonly number[], count: number, { width, rowHeight, gap }: Measure, top: number): Row[] {
  const rows: Row[] = [];
  let first = 0;
  let sum = 0;
  const close = (end: number, last: boolean) => {
    const gaps = gap * (end - first - 1);
    // the last row keeps its height; so does one whose only picture is wider than the page, cut
    const height = last ? Math.min(rowHeight, (width - gaps) / sum) : (width - gaps) / sum;
    const boxes: Box[] = [];
    let left = 0;
    for (let n = first; n < end; n += 1) {
      const boxWidth = (aspects[n] ?? GUESSED_ASPECT) * height;
      boxes.push({ left, width: boxWidth });
      left += boxWidth + gap;
    }
    rows.push({ top, height, first, boxes });
    top += height + gap;
    first = end;
    sum = 0;
  };
  for (let n = 0; n < count; n += 1) {
    const aspect = aspects[n] ?? GUESSED_ASPECT;
    const wider = (sum + aspect) * rowHeight + gap * (n - first);
    // closes the row where its height comes nearest to the wanted one
    if (n > first && wider > width && wider - width > width - (sum * rowHeight + gap * (n - first - 1))) close(n, false);
    sum += aspect;
    if (sum * rowHeight + gap * (n - first) >= width) close(n + 1, false);
  }
  if (first < count) close(count, true);
  return rows;
}

export type DayShape = { key: string; count: number; aspects: readonly number[] };
/** Rows that were laid out before, for as long as a day and the page keep their shape. */
export type Laid = Map<string, { shape: DayShape; measure: Measure; rows: Row[]; height: number }>;

/** Sections one below the other. Only days that changed are laid out again: a library has thousands. */
export function laySections(days: readonly DayShape[], measure: Measure, laid: Laid = new Map()): Section[] {
  let top = 0;
  return days.map((shape) => {
    let known = laid.get(shape.key);
    if (!known || known.measure !== measure || known.shape.count !== shape.count || known.shape.aspects !== shape.aspects) {
      const rows = layRows(shape.aspects, shape.count, measure, measure.head);
      const last = rows.at(-1);
      known = { shape, measure, rows, height: (last ? last.top + last.height : measure.head) + measure.below };
      laid.set(shape.key, known);
    }
    const section = { key: shape.key, top, height: known.height, rows: known.rows, count: shape.count };
    top += known.height;
    return section;
  });
}

/** Index of the last thing that begins at or above `y`; the list is in order. */
export function at(list: readonly { top: number }[], y: number): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((list[middle]?.top ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
