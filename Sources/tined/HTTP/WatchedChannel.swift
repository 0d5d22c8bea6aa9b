import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection that speaks HTTP/1.1, and that `Connections` knows of.
struct WatchedChannel: ServerChildChannel {
  private let base: HTTP1Channel
  private let connections: Connections

  init(responder: @escaping HTTPChannelHandler.Responder, connections: Connections) {
    base = HTTP1Channel(responder: responder)
    self.connections = connections
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    base.setup(channel: channel, logger: logger).flatMapThrowing { [connections] value in
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      try pipeline.addHandler(RequestWatch(connections), position: .after(decoder))
      return value
    }
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// Sees requests come and answers go on one connection, and closes it where no request comes.
private final class RequestWatch: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let connections: Connections
  private var number: Int?
  /// Requests that have come, and answers that have been given, as a whole.
  private var requests = 0
  private var answers = 0
  private var closing: Scheduled<Void>?

  init(_ connections: Connections) { self.connections = connections }

  func handlerAdded(context: ChannelHandlerContext) {
    number = connections.add(context.channel)
    update(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    closing?.cancel()
    if let number { connections.remove(number) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .end = unwrapInboundIn(data) {
      requests += 1
      update(context)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let part = unwrapOutboundIn(data)
    context.write(data, promise: promise)
    if case .end = part {
      answers += 1
      update(context)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    update(context)
    context.fireChannelWritabilityChanged()
  }

  private func update(_ context: ChannelHandlerContext) {
    guard let number else { return }
    let isAnswering = requests > answers
    let isRead = context.channel.isWritable
    connections.note(
      !isRead ? .unread(since: .now()) : isAnswering ? .answering : .waiting(since: .now()), of: number)
    setTimer(context.channel, isWaiting: isRead && !isAnswering)
  }

  private func setTimer(_ channel: any Channel, isWaiting: Bool) {
    closing?.cancel()
    closing = nil
    guard isWaiting else { return }
    closing = channel.eventLoop.scheduleTask(in: Connections.longestWait) { channel.close(promise: nil) }
  }
}
