import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../src/cloud/index.ts';
import { once, refused } from './things.ts';

export function identityContract(cloud: () => Cloud): void {
  describe('Keystone', () => {
    const keystone = once(() => cloud().service('identity'));
    it('shows a member the project and the projects of one’s own, and no others', async () => {
      const { project } = await keystone().get(`/projects/${cloud().project.id}`);
      expect(Object.keys(project).toSorted()).toEqual(['description', 'domain_id', 'enabled', 'id', 'is_domain', 'links', 'name', 'options', 'parent_id', 'tags']);
      expect((await keystone().get('/auth/projects')).projects.map(({ id }: { id: string }) => id)).toContain(cloud().project.id);
      await refused(keystone().get('/projects'), 403, 'forbidden', /not authorized to perform the requested action: identity:list_projects/);
      await refused(keystone().get('/users'), 403, 'forbidden', /not authorized to perform the requested action: identity:list_users/);
    });
    it('describes a token with user, project, roles, times and catalog', async () => {
      const { token } = await keystone().get('/auth/tokens', { headers: { 'x-subject-token': await cloud().token() } });
      expect(Object.keys(token).toSorted()).toEqual(['audit_ids', 'catalog', 'expires_at', 'is_domain', 'issued_at', 'methods', 'project', 'roles', 'user']);
      expect(token).toMatchObject({ user: { id: cloud().user.id, domain: { id: 'default', name: 'Default' } }, project: { id: cloud().project.id } });
      expect(token.catalog.map(({ type }: { type: string }) => type)).toEqual(expect.arrayContaining(['compute', 'identity', 'image', 'network', 'volumev3', 'object-store']));
      const [endpoint] = token.catalog[0].endpoints;
      expect(Object.keys(endpoint).toSorted()).toEqual(['id', 'interface', 'region', 'region_id', 'url']);
    });
    it.each([
      ['identity', 300, 'v3.14'],
      ['compute', 200, 'v2.1'],
      ['volume', 300, 'v3.0'],
      ['image', 300, 'v2.15'],
      ['network', 200, 'v2.0'],
    ] as const)('leads to a service %s that tells its versions at its root, to anybody', async (type, status, id) => {
      const { url } = await cloud().service(type);
      const answer = await fetch(new URL('/', url), { redirect: 'manual' });
      expect(answer.status).toBe(status);
      const { versions } = (await answer.json()) as any;
      expect((Array.isArray(versions) ? versions : versions.values).map((one: { id: string }) => one.id)).toContain(id);
    });
    it('lets a member make application credentials, whose secret is shown once', async () => {
      const path = `/users/${cloud().user.id}/application_credentials`;
      const made = (await keystone().post(path, { application_credential: { name: `contract-${Date.now()}` } })).body.application_credential;
      try {
        expect(Object.keys(made).toSorted()).toEqual(['description', 'expires_at', 'id', 'links', 'name', 'project_id', 'roles', 'secret', 'system', 'unrestricted', 'user_id']);
        const listed = (await keystone().get(path)).application_credentials.find(({ id }: { id: string }) => id === made.id);
        expect(listed).toBeDefined();
        expect('secret' in listed).toBe(false);
      } finally {
        await keystone().delete(`${path}/${made.id}`);
      }
    });
  });
}
