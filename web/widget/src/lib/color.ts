/** Readable colours from whatever a shop configures: every pair used for text reaches WCAG AA. */

export type Rgb = readonly [number, number, number]

export const AA = 4.5
const WHITE: Rgb = [255, 255, 255]
const INK: Rgb = [11, 18, 16]

export function parseColor(text: string): Rgb | null {
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1]
  if (hex) {
    const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex
    return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16)) as unknown as Rgb
  }
  const rgb = /^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)/i.exec(text.trim())
  return rgb ? ([1, 2, 3].map((at) => Math.min(255, Number(rgb[at]))) as unknown as Rgb) : null
}

function toHex(color: Rgb): string {
  return '#' + color.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

export function mix(color: Rgb, other: Rgb, share: number): Rgb {
  return color.map((part, at) => part + ((other[at] ?? 0) - part) * share) as unknown as Rgb
}

/** As the screen shows it: whole numbers; contrast is judged on these. */
function rounded(color: Rgb): Rgb {
  return color.map((part) => Math.round(part)) as unknown as Rgb
}

/** The nearest shade of `color` that stands out from `ground` by `ratio`. */
function readableOn(ground: Rgb, color: Rgb, ratio = AA): Rgb {
  const target = contrast(WHITE, ground) > contrast(INK, ground) ? WHITE : INK
  for (let share = 0; share <= 1; share += 0.04) {
    const shade = rounded(mix(color, target, share))
    if (contrast(shade, ground) >= ratio) return shade
  }
  return target
}

export interface Palette {
  brand: string
  /** Text on `brand`. */
  brandInk: string
  /** `brand` as text or outline on the surface. */
  brandText: string
  brandSoft: string
  brandLine: string
}

export const SURFACE: Record<'light' | 'dark', Rgb> = { light: [255, 255, 255], dark: [18, 25, 23] }

export function paletteFor(color: Rgb, theme: 'light' | 'dark'): Palette {
  const surface = SURFACE[theme]
  // On dark ground a dark brand colour would sink; it only has to be seen there, not read.
  const base = theme === 'dark' ? readableOn(surface, color, 2.2) : color
  const [brand, ink] = inked(base)
  // Coloured text on a dark ground looks duller than its contrast says.
  const ratio = theme === 'dark' ? 6.5 : AA
  const soft = rounded(mix(surface, brand, theme === 'dark' ? 0.16 : 0.08))
  return {
    brand: toHex(brand),
    brandInk: toHex(ink),
    brandText: toHex(readableOn(soft, readableOn(surface, color, ratio), ratio)),
    brandSoft: toHex(soft),
    // Pale colours still draw a line that is seen.
    brandLine: toHex(readableOn(surface, mix(surface, brand, theme === 'dark' ? 0.34 : 0.22), 1.3)),
  }
}

function inked(brand: Rgb): [Rgb, Rgb] {
  if (contrast(WHITE, brand) >= AA) return [brand, WHITE]
  if (contrast(INK, brand) >= AA) return [brand, INK]
  return [readableOn(WHITE, brand), WHITE]
}
