import TestSupport
import Testing

/// A daemon of root on a store of somebody else, who can write whatever he likes to its files.
@Suite(.enabled(if: TineStore.canMount, "it needs /dev/fuse and root")) struct OwnershipTests {
  @Test(arguments: [("root", true), ("nobody", false)])
  func rootTrustsNoStoreOfSomebodyElse(owner: String, isTrusted: Bool) {
    let store = TineStore()
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    #expect(shell("chown -R \(owner) '\(store.path)'").code == 0)
    let mount = store.mount("prod")
    let options = shell("findmnt -no OPTIONS '\(mount)'").output.split { $0 == "," || $0 == "\n" }
    #expect(options.contains("nosuid") == !isTrusted)
    #expect(options.contains("nodev") == !isTrusted)
    let asRoot = shell(
      """
      cp "$(which id)" '\(mount)/id' && chmod 4755 '\(mount)/id' && mknod -m 666 '\(mount)/null' c 1 3
      setpriv --reuid 65534 --regid 65534 --clear-groups '\(mount)/id' -u; echo x > '\(mount)/null' && echo written
      """)
    #expect(asRoot.output.hasPrefix(isTrusted ? "0\nwritten" : "65534\n"), "\(asRoot.output)")
    #expect(asRoot.output.contains("written") == isTrusted)
  }
}
