import Settings

/// What a vision transformer is made of.
public struct VisionTransformerShape: Sendable, Equatable {
  /// How an image's tokens get their places.
  public struct Positions: Sendable, Equatable {
    /// Rows of the table for patches: a square grid of this side.
    public var side: Int
    /// Whether the class token has a place of its own, the table's first row.
    public var hasClass = true
    /// Whether the grid is resampled with antialiasing, as timm does and most of transformers does not.
    public var isAntialiased = true

    public init(side: Int) { self.side = side }
  }

  public var channels = 3
  public var patch: Int
  public var width, depth, heads, inner: Int
  public var positions: Positions
  /// Tokens after the class token that belong to no patch.
  public var registers = 0
  public var epsilon = 1e-6
  public var activation = SmoothFunction.gelu
  /// Whether what a layer adds is multiplied with a number for each channel.
  public var scalesLayers = false
  /// Whether query, key and value are one map, and whether they have an offset.
  public var isJoined = true
  public var attentionBias = true
  /// Whether patches have an offset.
  public var patchBias = true
  /// Whether tokens are normalised before the first layer, as CLIP's are.
  public var normsFirst = false
  /// Numbers that the class token is projected to; nil for none.
  public var projection: Int?

  public init(
    patch: Int, width: Int, depth: Int, heads: Int, inner: Int, positions: Positions
  ) {
    (self.patch, self.width, self.depth, self.heads) = (patch, width, depth, heads)
    (self.inner, self.positions) = (inner, positions)
  }

  /// Tokens of an image beside its patches.
  var prefix: Int { 1 + registers }
}
