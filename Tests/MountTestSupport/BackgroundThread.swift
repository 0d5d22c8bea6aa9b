import Glibc

/// A thread beside the test's own, which can be waited for.
public struct BackgroundThread {
  private var handle = pthread_t()

  public init(_ body: @escaping @Sendable () -> Void) {
    final class Body { let run: () -> Void; init(_ run: @escaping () -> Void) { self.run = run } }
    let context = Unmanaged.passRetained(Body(body)).toOpaque()
    let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
      return nil
    }
    let result = pthread_create(&handle, nil, start, context)
    precondition(result == 0, "a test needs a thread")
  }

  public func join() { pthread_join(handle, nil) }
}
