/** The refusal of a store whose schema later code has made and this code must not work with. */

import { ZhongkongError } from '../core/errors.ts';

/** `place` is what messages call the store; `known` is the number that this code knows. */
export const schemaNewer = (place: string, number: number, known: number): ZhongkongError =>
  new ZhongkongError(
    'config_invalid',
    {
      en: `${place} has schema ${number}, this version of Zhongkong knows schema ${known}: a later version has used it`,
      zh: `${place} 的结构版本为 ${number}，当前版本的 Zhongkong 只支持到 ${known}：更新的版本已使用过它`,
    },
    {
      advice: {
        en: 'Start the later version again, or restore a backup from before the upgrade. Nothing was changed.',
        zh: '请改用较新的版本启动，或恢复升级之前的备份。数据未被改动。',
      },
    },
  );
