// What a program in TypeScript says of the management API is checked against the types
// that are made from its document.
import type { components, operations } from '../../../tenants/adminapi/client/lanyard'

type User = components['schemas']['User']
type Page = operations['listUsers']['responses'][200]['content']['application/json']
type Change = operations['updateUser']['requestBody']['content']['application/merge-patch+json']

export function names(page: Page): string[] {
  return (page.items ?? []).map((user: User) => user.name ?? user.email ?? '')
}

export const off: Change = { disabled: true }

// @ts-expect-error a member that is not there
export const wrong: Change = { disabledd: true }

// @ts-expect-error a value of another kind
export const other: Change = { disabled: 'yes' }
