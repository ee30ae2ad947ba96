/**
 * Pictures made of shapes (SVG), which have no pixels until somebody says how many. Browsers draw them only as
 * images of a document, without scripts and without fetching anything.
 */

/** What a browser takes where a picture says nothing of its size. */
const USUAL = Object.freeze({ width: 300, height: 150 });

/** Sides longer than this many times the shorter one are drawn shorter: the middle square is taken anyway. */
const MOST_ASPECT = 16;

/**
 * Draws the picture with a shorter side of so many pixels. Rejects where that cannot be done.
 * @param {Blob} file
 * @param {number} side
 * @returns {Promise<ImageBitmap>}
 */
export async function svgBitmap(file, side) {
  // As text: parsed as a document it would be held to the policy of this page, and say so of every style in it.
  const text = await file.text();
  const tag = /<svg\b[^>]*>/.exec(text)?.[0];
  if (!tag) throw new Error('no SVG');
  const { width, height } = sizeOf(tag);
  const scale = side / Math.min(width, height);
  const [across, down] = [width, height].map((length) => Math.round(Math.min(length * scale, MOST_ASPECT * side)));
  const box = attribute(tag, 'viewBox') === null ? ` viewBox="0 0 ${width} ${height}"` : '';
  const bare = tag.replace(/\s(width|height)\s*=\s*("[^"]*"|'[^']*')/g, '');
  const sized = text.replace(tag, () => bare.replace('<svg', `<svg width="${across}" height="${down}"${box}`));
  const url = URL.createObjectURL(new Blob([sized], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return await createImageBitmap(image);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * What the picture says of its size; width to height matters alone.
 * @param {string} tag
 */
function sizeOf(tag) {
  const box = (attribute(tag, 'viewBox') ?? '').trim().split(/[\s,]+/).slice(2).map(Number);
  const sides = ['width', 'height'].map((name) => Number.parseFloat(/^\s*[\d.]+\s*([a-z]*)\s*$/.exec(attribute(tag, name) ?? '')?.[0] ?? ''));
  const [width, height] = [sides, box].find((pair) => pair.length === 2 && pair.every((length) => length > 0)) ?? [USUAL.width, USUAL.height];
  return { width, height };
}

/**
 * @param {string} tag
 * @param {string} name
 */
function attribute(tag, name) {
  const [, , double, single] = new RegExp(`\\s${name}\\s*=\\s*("([^"]*)"|'([^']*)')`).exec(tag) ?? [];
  return double ?? single ?? null;
}
