/** What search engines and link previews read of a shared page: title, description, Open Graph, Twitter card, oEmbed-ready. */
import { escapeHtml } from '../../../kit/http/escape-html.ts'

export interface SharedPage {
  readonly title: string
  readonly description: string
  /** Absolute. */
  readonly url: string
  /** Absolute; a picture of the page. */
  readonly imageUrl: string | null
  readonly imageSize?: { readonly width: number; readonly height: number }
  readonly type: 'video.other' | 'profile' | 'website'
}

/** Renders the tags, each value escaped. @see https://ogp.me */
export function renderHeadTags(page: SharedPage, siteName: string): string {
  const meta = (key: string, name: string, content: string | number) =>
    `<meta ${key}="${name}" content="${escapeHtml(String(content))}">`
  const tags = [
    `<title>${escapeHtml(page.title)}</title>`,
    meta('name', 'description', page.description),
    `<link rel="canonical" href="${escapeHtml(page.url)}">`,
    meta('property', 'og:site_name', siteName),
    meta('property', 'og:type', page.type),
    meta('property', 'og:title', page.title),
    meta('property', 'og:description', page.description),
    meta('property', 'og:url', page.url),
    meta('name', 'twitter:card', page.imageUrl ? 'summary_large_image' : 'summary'),
  ]
  if (page.imageUrl) tags.push(meta('property', 'og:image', page.imageUrl))
  if (page.imageUrl && page.imageSize) {
    tags.push(
      meta('property', 'og:image:width', page.imageSize.width),
      meta('property', 'og:image:height', page.imageSize.height),
    )
  }
  return tags.join('\n    ')
}
