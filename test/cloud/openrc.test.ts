import * as fc from 'fast-check';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readOpenrc } from '../../src/cloud/openrc.ts';
import { parseOpenrc } from '../../src/cloud/shell.ts';
import { failure } from './support.ts';

/** As Horizon's template writes it. */
const horizon = `#!/usr/bin/env bash
# To use an OpenStack cloud you need to authenticate against the Identity service.
export OS_AUTH_URL=https://cloud.example:5000/v3/
# With the addition of Keystone we have standardized on the term **project**
export OS_PROJECT_ID=d69c91131cb34715b61e8180c7ae6d9b
export OS_PROJECT_NAME="miop"
export OS_USER_DOMAIN_NAME="Default"
if [ -z "$OS_USER_DOMAIN_NAME" ]; then unset OS_USER_DOMAIN_NAME; fi
export OS_PROJECT_DOMAIN_ID=""
if [ -z "$OS_PROJECT_DOMAIN_ID" ]; then unset OS_PROJECT_DOMAIN_ID; fi
# unset v2.0 items in case set
unset OS_TENANT_ID
unset OS_TENANT_NAME
# In addition to the owning entity (tenant), OpenStack stores the entity
# performing the action as the **user**.
export OS_USERNAME="loic"
# With Keystone you pass the keystone password.
echo "Please enter your OpenStack Password for project $OS_PROJECT_NAME as user $OS_USERNAME: "
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD=$OS_PASSWORD_INPUT
# If your configuration has multiple regions, we set that information here.
export OS_REGION_NAME="RegionOne"
# Don't leave a blank variable, unset it if it was empty
if [ -z "$OS_REGION_NAME" ]; then unset OS_REGION_NAME; fi
export OS_INTERFACE=public
export OS_IDENTITY_API_VERSION=3
`;

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'openrc-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'miop-openrc.sh'), text);
  return join(folder, 'miop-openrc.sh');
}

describe("Horizon's openrc file", () => {
  test('is read without being run', () => {
    const config = readOpenrc(file(horizon), {});
    expect(config).toMatchObject({
      name: 'miop-openrc.sh',
      region: 'RegionOne',
      interfaces: ['public'],
      auth: { auth_url: 'https://cloud.example:5000/v3/', project_id: 'd69c91131cb34715b61e8180c7ae6d9b', project_name: 'miop', user_domain_name: 'Default', username: 'loic' },
    });
    expect(config.auth).not.toHaveProperty('project_domain_id');
  });

  test('that asks for the password takes it from OS_PASSWORD, and leaves it out where there is none', () => {
    expect(readOpenrc(file(horizon), { OS_PASSWORD: 'pw' }).auth['password']).toBe('pw');
    expect(readOpenrc(file(horizon), {}).auth).not.toHaveProperty('password');
    expect(parseOpenrc(horizon, 'f').asked).toEqual(new Set(['OS_PASSWORD', 'OS_PASSWORD_INPUT']));
  });

  test('of an application credential needs no password', () => {
    const config = readOpenrc(file('export OS_AUTH_TYPE=v3applicationcredential\nexport OS_AUTH_URL=http://k\nexport OS_APPLICATION_CREDENTIAL_ID=abc\nexport OS_APPLICATION_CREDENTIAL_SECRET=s3\n'), {});
    expect(config).toMatchObject({ authType: 'v3applicationcredential', auth: { application_credential_id: 'abc', application_credential_secret: 's3' } });
  });

  test('that sets nothing is an error, and so is one that is not there', async () => {
    expect((await failure(() => readOpenrc(file('echo hello\n'), {}))).message).toContain('sets no OS_* variable');
    expect((await failure(() => readOpenrc('/nonexistent/openrc', {}))).code).toBe('usage');
  });
});

describe('the shell of openrc files', () => {
  test.each([
    ["export OS_A='a b'", { OS_A: 'a b' }],
    ['export OS_A="a \\"b\\" \\$c"', { OS_A: 'a "b" $c' }],
    ['OS_A=a; export OS_A', { OS_A: 'a' }],
    ['export OS_A=a OS_B=b', { OS_A: 'a', OS_B: 'b' }],
    ['declare -x OS_A=a', { OS_A: 'a' }],
    ['export OS_A=a # a comment', { OS_A: 'a' }],
    ['export OS_A=a#b', { OS_A: 'a#b' }],
    ["export OS_A='it'\\''s'", { OS_A: "it's" }],
    ['export OS_A=a\r\nexport OS_B=b\r\n', { OS_A: 'a', OS_B: 'b' }],
    ['export OS_A=a \\\n  OS_B=b', { OS_A: 'a', OS_B: 'b' }],
    ['X=y; export OS_A=$X/${X}z', { OS_A: 'y/yz' }],
    ['export OS_A=${OS_A:-fallback}', { OS_A: 'fallback' }],
    ['export OS_CACERT=$HOME/ca.pem', { OS_CACERT: '/home/loic/ca.pem' }],
    ['export OS_A=a\nunset OS_A', {}],
    ['export OS_A=a\nif [ -n "$OS_A" ]; then\n  export OS_B=yes\nelse\n  export OS_B=no\nfi', { OS_A: 'a', OS_B: 'yes' }],
    ['if [ -z "$OS_A" ]\nthen export OS_B=none\nelif [ "$OS_A" = a ]; then export OS_B=a; else export OS_B=other; fi', { OS_B: 'none' }],
    ['export OS_A=b\nif [[ "$OS_A" == a ]]; then export OS_B=a; elif [ "$OS_A" = b ]; then export OS_B=bee; else export OS_B=other; fi', { OS_A: 'b', OS_B: 'bee' }],
    ['if [ -z "$X" ]; then if [ -n "$X" ]; then export OS_A=1; fi; export OS_B=2; fi', { OS_B: '2' }],
    ['if [ -n "$X" ]; then if [ -z "$X" ]; then export OS_A=1; else export OS_A=2; fi; fi', {}],
    ['[ -z "$OS_A" ] && export OS_A=a', { OS_A: 'a' }],
    ['[ -z "$OS_A" ] || export OS_A=a', {}],
    ['for key in $( set | awk \'{FS="="} /^OS_/ {print $1}\' ); do unset $key ; done\nexport OS_A=a', { OS_A: 'a' }],
    ['set -e\nprintf "%s" "$(date)"\nexport OS_A=a', { OS_A: 'a' }],
    ['read -s -p "Password: " OS_PASSWORD\nexport OS_PASSWORD', { OS_PASSWORD: '' }],
  ])('%j', (text, expected) => {
    expect(parseOpenrc(text, 'openrc', { HOME: '/home/loic' }).variables).toEqual(expected);
  });

  test.each([
    ['export OS_A=a\nexport OS_PASSWORD=$(pass show cloud)', /openrc line 2: OS_PASSWORD is what a command prints/],
    ['export OS_PASSWORD=`cat pw`', /line 1/],
    ['if [ -f /etc/ca.pem ]; then\nexport OS_CACERT=/etc/ca.pem\nfi', /line 2: OS_CACERT depends on a condition/],
    ['export OS_A="never closed', /is not closed/],
    ["export OS_A='never closed", /is not closed/],
    ['export OS_A=$(never closed', /is not closed/],
  ])('%j needs running, and is refused', async (text, message) => {
    const error = await failure(() => parseOpenrc(text, 'openrc'));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(message);
  });

  test('any value comes through single quotes, and any through double quotes with its specials escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).filter((text) => !/[\0\r]/.test(text)), (value) => {
        const single = `export OS_A='${value.replaceAll("'", "'\\''")}'`;
        const double = `export OS_A="${value.replace(/["\\$`]/g, '\\$&')}"`;
        expect(parseOpenrc(single, 'f').variables).toEqual({ OS_A: value });
        expect(parseOpenrc(double, 'f').variables).toEqual({ OS_A: value });
      }),
    );
  });
});
