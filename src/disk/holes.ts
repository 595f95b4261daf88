import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Extent } from './disk.ts';
import type { ImageFile } from './file.ts';

const seekData = `
my ($size, $data, $hole) = @ARGV;
for (my $offset = 0; $offset < $size;) {
  my $start = sysseek(STDIN, $offset, $data);
  exit($!{ENXIO} ? 0 : 1) unless defined $start;
  my $end = sysseek(STDIN, $start, $hole);
  exit 1 unless defined $end;
  print $start + 0, ' ', $end + 0, "\\n";
  $offset = $end;
}
`;

/**
 * The ranges of a sparse file that the file system has stored, ascending. Node has no lseek, so perl is asked, which is
 * part of every Debian, Ubuntu and macOS. Ends with false where perl is missing or the file system can't tell: what lies
 * behind the last range is then unknown.
 */
export async function* storedRanges(file: ImageFile): AsyncGenerator<Extent, boolean> {
  // SEEK_DATA and SEEK_HOLE are 3 and 4 on Linux, the other way round on macOS.
  const whence = process.platform === 'darwin' ? ['4', '3'] : ['3', '4'];
  const child = spawn('perl', ['-MErrno', '-e', seekData, String(file.size), ...whence], { stdio: [file.handle.fd, 'pipe', 'ignore'] });
  const ended = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (status) => resolve(status === 0));
  });
  try {
    for await (const line of createInterface({ input: child.stdout! })) {
      const [start = 0, end = 0] = line.split(' ').map(Number);
      if (start < file.size) yield { offset: start, length: Math.min(end, file.size) - start };
    }
    return await ended;
  } finally {
    child.kill();
  }
}
