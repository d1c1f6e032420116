/** What an incident and a maintenance window are told by: title, text, and which features and regions they are about, by name. */
import type { ServiceEntry } from '../configuration/index.ts'
import { html, trusted, type Html } from '../pages/html.ts'

/** More than these are named in a text, a line each. */
const TICKED_MAX = 60

export interface AnnouncementInput {
  /** Of the ids in the page. */
  readonly prefix: string
  readonly bodyLabel: string
  readonly entries: readonly ServiceEntry[]
  /** The one that it is about. */
  readonly chosen: ServiceEntry
  /** The page itself, to choose another service. */
  readonly path: string
}

/** Fields for a form. With several services there are links to choose another one. */
export function renderAnnouncement(input: AnnouncementInput): Html {
  const { prefix, bodyLabel, entries, chosen, path } = input
  return html`<input type="hidden" name="service" value="${chosen.id}" />
    ${
      entries.length > 1 &&
      html`<p>
        For
        ${entries.map(
          ({ id, name }) =>
            html`<a
              class="btn small"
              href="${path}?service=${id}#${prefix}-title"
              ${id === chosen.id && trusted(' aria-current="true"')}
              >${name}</a
            > `,
        )}
      </p>`
    }
    <div>
      <label for="${prefix}-title">Title</label
      ><input id="${prefix}-title" name="title" required maxlength="200" />
    </div>
    <div>
      <label for="${prefix}-body">${bodyLabel}</label
      ><textarea id="${prefix}-body" name="body" rows="3" required maxlength="10000"></textarea>
    </div>
    ${renderPicks('features', 'Features', input)}${chosen.regions.length > 1 && renderPicks('regions', 'Regions', input)}`
}

function renderPicks(
  field: 'features' | 'regions',
  words: string,
  { prefix, chosen }: AnnouncementInput,
): Html {
  const things = chosen[field]
  if (things.length > TICKED_MAX)
    return html`<div>
      <label for="${prefix}-${field}">${words} (names, one a line; none: all)</label
      ><textarea id="${prefix}-${field}" name="${field}-names" rows="3" maxlength="20000"></textarea>
    </div>`
  return html`<details>
    <summary>${words} (none ticked: all)</summary>
    <fieldset>
      <legend class="vh">${words}</legend>
      ${things.map(
        ({ id, name }) =>
          html`<label class="check" for="${prefix}-${field}-${id}"
            ><input
              type="checkbox"
              id="${prefix}-${field}-${id}"
              name="${field}"
              value="${id}"
            />${name}</label
          >`,
      )}
    </fieldset>
  </details>`
}
