/** Pages that stand in a service's place because somebody on the way wants it so. */
import type { GuardedResponse } from '../../../kit/network/guarded-request.ts'

/**
 * What such pages say. Kept narrow: a page of the service itself that says that an account is blocked must not count.
 * Words of providers' and filters' own pages, in the languages in which blocking orders are common.
 */
const PHRASES = [
  /access to (?:this|the) (?:web ?site|web ?page|page|site|domain|resource) (?:has been|is|was) (?:blocked|restricted|denied)/i,
  /(?:web ?site|domain|page|content) (?:has been|is) blocked (?:by|in accordance|under|pursuant|as per|because)/i,
  /blocked (?:by|under) (?:an? )?(?:order|direction)s? (?:of|from|issued)/i,
  /unavailable for legal reasons/i,
  /unavailable in your (?:country|region)/i,
  /(?:content|web) filter(?:ing)? (?:has )?(?:blocked|prevented)/i,
  /blocked by (?:your )?(?:network|internet) (?:administrator|provider|filter)/i,
  /доступ (?:к (?:сайту|ресурсу|информационному ресурсу) )?ограничен/i,
  /bu (?:internet )?site(?:sine|ye)? .{0,80}(?:erişim|engellen)/i,
  /(?:diese|die) (?:web)?seite (?:wurde|ist) gesperrt/i,
  /l['’]accès à ce site (?:est|a été) bloqué/i,
  /(?:situs|laman) (?:ini )?(?:telah )?diblokir/i,
]
const READ_BYTES = 32_768

/** Whether the answer is such a page rather than the service's own, by its words and by where it comes from. */
export function looksLikeBlockPage(askedUrl: string, answer: GuardedResponse): boolean {
  const type = String(answer.headers['content-type'] ?? '')
  if (type !== '' && !/html|text\/plain/i.test(type)) return false
  const text = answer.body.subarray(0, READ_BYTES).toString('utf8')
  if (!PHRASES.some((phrase) => phrase.test(text))) return false
  // Over HTTPS, without having been sent elsewhere, it is the service itself that speaks.
  const asked = new URL(askedUrl)
  const answered = new URL(answer.url)
  const isOwnWord = answered.protocol === 'https:' && answered.hostname === asked.hostname
  return !isOwnWord || answer.status === 403
}
