// With mounts of its own, so that nothing stays mounted, and with nothing written to the root directory itself.
const enter = `
  root=$1; shift
  here=$(pwd)
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
  mount -t proc proc /mnt/root/proc
  mount --rbind /dev /mnt/root/dev
  for file in passwd group hosts; do mount --bind "/etc/$file" "/mnt/root/etc/$file"; done
  while [ "$1" != -- ]; do
    mkdir -p "/mnt/root$1"
    mount --bind "$1" "/mnt/root$1"
    shift
  done
  shift
  exec chroot /mnt/root env -C "$here" "$@"`;

/**
 * The beginning of a command line that goes on in another operating system's root directory, in the same process, with
 * this machine's users and hosts.
 * @param shared folders of this machine that are there, too, at the same place
 */
export function inSystem(root: string, shared: readonly string[]): string[] {
  return ['unshare', '--mount', 'sh', '-euc', enter, 'sh', root, ...shared, '--'];
}
