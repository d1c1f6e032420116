/** As much of XML as S3's answers are made of: elements without attributes that matter, and the five entities. */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const CODE_POINT_MAX = 0x10ffff

const decode = (text: string): string =>
  text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g, (_, hex, decimal, name) => {
    if (name) return ENTITIES[name as string]!
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal)
    return code <= CODE_POINT_MAX ? String.fromCodePoint(code) : '\ufffd'
  })

/** The insides of every element of this name. Reads the text once, whatever stands in it. */
export function* listOf(xml: string, name: string): Generator<string> {
  const [opening, closing] = [`<${name}`, `</${name}>`]
  for (let at = xml.indexOf(opening); at >= 0; at = xml.indexOf(opening, at)) {
    at += opening.length
    if (!/[>\s]/.test(xml.charAt(at))) continue
    const begin = xml.indexOf('>', at) + 1
    const end = begin > 0 ? xml.indexOf(closing, begin) : -1
    // Of those that follow none has an end either.
    if (end < 0) return
    yield xml.slice(begin, end)
    at = end + closing.length
  }
}

/** The text of the first element of this name; null: there is none. */
export function textOf(xml: string, name: string): string | null {
  const [inside] = listOf(xml, name)
  return inside === undefined ? null : decode(inside)
}
