/** What keeps people out of a page, as axe sees it, and what is wider than the screen. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Looks at the page that is open, everything that is folded unfolded. Answers a line for each finding. */
export async function findBarriers(page: Page, path: string): Promise<string[]> {
  for (const details of await page.locator('details').all())
    await details.evaluate((node) => node.setAttribute('open', ''))
  // The page's policy lets no script of ours in by way of the document.
  const results = await page.evaluate(`(async () => { ${axeSource}; return await axe.run(document) })()`)
  const found = (results as AxeResults).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${path}: ${id} at ${nodes
          .map(({ target }) => String(target))
          .slice(0, 3)
          .join(', ')}`,
    )
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  return excess > 0 ? [...found, `${path}: ${excess}px wider than the screen`] : found
}
