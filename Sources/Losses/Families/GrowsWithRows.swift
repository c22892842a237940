/// A loss whose memory grows with the rows of a batch, and not with their square as that of a matrix of
/// all distances does.
public protocol GrowsWithRows: Loss {}

extension AngularPrototypicalLoss: GrowsWithRows {}
extension BarlowTwinsLoss: GrowsWithRows {}
extension DSimplexLoss: GrowsWithRows {}
extension GE2ELoss: GrowsWithRows {}
extension ProtoTripletLoss: GrowsWithRows {}
extension PrototypicalLoss: GrowsWithRows {}
extension VICRegLoss: GrowsWithRows {}
