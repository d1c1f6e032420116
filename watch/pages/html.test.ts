import { expect, test } from 'vitest'
import { html, toText, trusted, type Html } from './html.ts'

test('hostile text stays text, in content and in attributes', () => {
  const hostile = `"><script>alert('1')</script>&`
  expect(toText(html`<p title="${hostile}">${hostile}</p>`)).not.toMatch(/<script|"><|'/)
})

test('lists are joined, nothing leaves nothing, and indentation stays in the source', () => {
  const items = [1, 2].map((n) => html`<li>${n}</li>`)
  expect(
    toText(
      html`<ul>
        ${items}${null}${false}${undefined}
      </ul>`,
    ),
  ).toBe('<ul>\n<li>1</li><li>2</li>\n</ul>')
})

test('markup can not be smuggled in as an object from JSON', () => {
  const smuggled = JSON.parse('{"markup":"<b>","Symbol(markup)":"<b>"}') as Html
  expect(toText(html`<p>${smuggled}</p>`)).toBe('<p>undefined</p>')
})

test('trusted markup is left as it is', () => {
  expect(toText(html`${trusted('<hr>')}`)).toBe('<hr>')
})
