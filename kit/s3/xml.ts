/** As much of XML as S3's answers are made of: elements without attributes that matter, and the five entities. */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const decode = (text: string): string =>
  text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g, (_, hex, decimal, name) =>
    name ? ENTITIES[name as string]! : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  )

/** The insides of every element of this name. */
export const listOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, inside]) => inside!,
  )

/** The text of the first element of this name; null: there is none. */
export function textOf(xml: string, name: string): string | null {
  const [inside] = listOf(xml, name)
  return inside === undefined ? null : decode(inside)
}
