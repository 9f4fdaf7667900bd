//! Numbers in messages between ranks of one run.

/// Removes a value from the front of a message and returns it.
pub(crate) fn take<T: bytemuck::Pod>(message: &mut &[u8]) -> T {
    let (head, rest) = message.split_at(size_of::<T>());
    *message = rest;
    bytemuck::pod_read_unaligned(head)
}

/// Appends numbers to a message. If all have the same bits, appends only the first. A leading byte
/// says which.
pub(crate) fn pack(values: impl Iterator<Item = f32> + Clone, message: &mut Vec<u8>) {
    let mut others = values.clone();
    let alike = others.next().is_some_and(|first| others.all(|value| value.to_bits() == first.to_bits()));
    message.push(u8::from(alike));
    let sent = values.take(if alike { 1 } else { usize::MAX });
    sent.for_each(|value| message.extend_from_slice(&value.to_ne_bytes()));
}

/// Removes numbers from the front of a message, one for each place.
pub(crate) fn unpack<'a>(values: impl Iterator<Item = &'a mut f32>, message: &mut &[u8]) {
    if take::<u8>(message) == 1 {
        let value = take(message);
        values.for_each(|place| *place = value);
    } else {
        values.for_each(|place| *place = take(message));
    }
}
